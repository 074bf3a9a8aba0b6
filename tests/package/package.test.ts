// The package as it is published: its content, its size, and the verdicts of tools that check packages.

import { afterAll, describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { stubModule } from "../../scripts/stub.ts";
import { THREADS } from "../../src/threads/start.ts";
import { testIf } from "../support/needs.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import { hasNpm, NEEDS_NPM, ROOT, Workplace } from "./workplace.ts";

const workplace = new Workplace();
afterAll(() => workplace[Symbol.asyncDispose]());

/** The tarball, unpacked into an empty folder. */
let unpacking: Promise<string> | undefined;
function unpacked(): Promise<string> {
  unpacking ??= (async () => {
    const { tarball } = await workplace.packed();
    const folder = await workplace.folder("unpacked");
    await workplace.output(["tar", "-xzf", tarball, "-C", folder], folder);
    return join(folder, "package");
  })();
  return unpacking;
}

/** The imports of a module, without types. */
function importsOf(text: string, loader: "js" | "ts"): string[] {
  const code = text.replace(/^#!.*/, "");
  return new Bun.Transpiler({ loader }).scanImports(code).map(({ path }) => path);
}

/** The package of an import such as `@logtape/logtape` or `prom-client/lib/registry.js`. */
function packageOf(path: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(path)![0];
}

describe("the tarball", () => {
  testIf(hasNpm, NEEDS_NPM)(
    "has every file that package.json names, and nothing that only a checkout needs",
    async () => {
      const { files } = await workplace.packed();
      const { exports, bin } = await Bun.file(join(await unpacked(), "package.json")).json();
      const targets: string[] = [
        bin.whereabouts,
        ...Object.values<string | object>(exports).flatMap((to) => Object.values(typeof to === "string" ? [to] : to)),
      ];
      expect(targets.length).toBeGreaterThan(15);
      // The command under Node: bin/whereabouts names it.
      targets.push("dist/cli.js", "dist/whereabouts.1");
      for (const target of targets) expect(files).toContain(target.replace(/^\.\//, ""));
      const inFolder = (pattern: string) => [...new Bun.Glob(pattern).scanSync(ROOT)];
      expect(files.filter((file) => !/^(src|dist)\//.test(file)).sort()).toEqual(
        [
          "LICENSE",
          "README.md",
          "package.json",
          "assembly/layout.ts",
          "bin/whereabouts",
          "build/codec-simd.wasm",
          "build/codec-wasm.ts",
          "build/codec.wasm",
          "build/engine.wasm",
          // The live page as it was built. Its sources are not needed.
          "build/page.ts",
          "build/xdr-runtime.ts",
          // The guides, without the site that is made of them, and without pictures and figures.
          ...inFolder("docs/*.md").filter((file) => file !== "docs/index.md"),
          // Programs of one file.
          ...inFolder("examples/*.js"),
        ].sort(),
      );
      const sources = files.filter((file) => file.startsWith("src/"));
      expect(sources.sort()).toEqual(
        inFolder("src/**/*.ts")
          .filter((file) => !file.startsWith("src/admin/page/"))
          .sort(),
      );
      const built = files.filter((file) => file.startsWith("dist/"));
      expect(built.filter((file) => !/\.(js|d\.ts)(\.map)?$|^dist\/whereabouts\.1$/.test(file))).toEqual([]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has every file that its sources import or open, and depends on every package that they import",
    async () => {
      const { files } = await workplace.packed();
      const { dependencies } = await Bun.file(join(await unpacked(), "package.json")).json();
      const found = new Set<string>();
      for (const file of files.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file))) {
        for (const path of importsOf(await Bun.file(join(await unpacked(), file)).text(), "ts")) {
          if (path.startsWith(".")) expect(files).toContain(join(dirname(file), path));
          else if (!path.startsWith("node:") && !path.startsWith("bun:"))
            expect(Object.keys(dependencies)).toContain(packageOf(path));
          found.add(path);
        }
      }
      const cli = new Set<string>();
      for (const file of files.filter((file) => /^dist\/cli.*\.js$/.test(file))) {
        const text = await Bun.file(join(await unpacked(), file)).text();
        for (const path of importsOf(text, "js")) cli.add(path);
      }
      for (const path of ["commander", "string-width"]) expect(cli).toContain(path);
      for (const path of cli) {
        if (path.startsWith(".")) expect(files).toContain(join("dist", path));
        else if (!path.startsWith("node:")) expect(Object.keys(dependencies)).toContain(path);
      }
      for (const path of ["../../build/engine.wasm", "commander"]) expect(found).toContain(path);
      for (const thread of THREADS) expect(files).toContain(`src/${thread}`);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has no script that runs when it is installed",
    async () => {
      const { scripts } = await Bun.file(join(await unpacked(), "package.json")).json();
      const atInstall = /^(pre|post)?(install|prepare|dependencies)$|^prepublish$/;
      expect(Object.keys(scripts).filter((name) => atInstall.test(name))).toEqual([]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has the same files when bun pm pack makes it",
    async () => {
      const folder = await workplace.folder("bun-packed");
      await workplace.output(["bun", "pm", "pack", "--quiet", "--ignore-scripts", "--destination", folder], ROOT);
      const [tarball] = await Array.fromAsync(new Bun.Glob("*.tgz").scan({ cwd: folder, absolute: true }));
      const list = await workplace.output(["tar", "-tzf", tarball!], folder);
      const files = list
        .trim()
        .split("\n")
        .map((file) => file.replace(/^package\//, ""));
      expect(files.sort()).toEqual([...(await workplace.packed()).files].sort());
    },
    LONG_LIMIT_MS,
  );

  /** Runs `npm pack --dry-run` with a PATH that has only what npm needs, these programs, and the folders in `more`. */
  async function packWith(tools: readonly string[], ...more: string[]) {
    const PATH = [...more, await workplace.tools([...tools, "node", "sh", "sed", "dirname"])].join(":");
    const npm = Bun.which("npm", { PATH: (await workplace.environment()).PATH })!;
    const child = Bun.spawn([npm, "pack", "--dry-run"], {
      cwd: ROOT,
      env: { ...Bun.env, PATH },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  }

  testIf(hasNpm, NEEDS_NPM)(
    "cannot be packed without Bun and npx, and the error says in one line what is missing",
    async () => {
      const { err, code } = await packWith([]);
      expect(code).not.toBe(0);
      expect(err).toContain(
        "whereabouts: this needs Bun, and there is neither bun nor npx on the PATH: install Bun (https://bun.sh)\n",
      );
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "is packed without Bun through the user's npx, with the Bun version that package.json names",
    async () => {
      const folder = await workplace.folder("npx");
      const log = join(folder, "log");
      // A fake npx, since the real one needs a network. It logs its arguments.
      const npx = `#!/bin/sh\necho "$@" "\${npm_config_dry_run-runs}" >${log}\nshift 2\nexec ${process.execPath} "$@"\n`;
      await Bun.write(join(folder, "npx"), npx);
      await chmod(join(folder, "npx"), 0o755);
      const { out, err, code } = await packWith([], folder);
      expect(err).toContain("dist/codec.js");
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining("whereabouts-") });
      const { packageManager } = await Bun.file(join(ROOT, "package.json")).json();
      expect(await Bun.file(log).text()).toBe(`-y ${packageManager} scripts/dist.ts runs\n`);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "passes publint without a message",
    async () => {
      const tarball = await Bun.file((await workplace.packed()).tarball).arrayBuffer();
      expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has the right types for every way in which ES modules can import it",
    async () => {
      const tarball = await Bun.file((await workplace.packed()).tarball).bytes();
      // A wasm module has no type: what importing it means depends on the bundler.
      const excludeEntrypoints = ["./codec.wasm", "./codec-simd.wasm"];
      const result = await checkPackage(createPackageFromTarballData(tarball), { excludeEntrypoints });
      if (result.types === false) throw new TypeError("it has no types");
      expect(Object.keys(result.entrypoints)).toEqual([
        ".",
        "./codec",
        "./xdr",
        "./xdr/compiler",
        "./client",
        "./server",
        "./syncthing",
        "./package.json",
      ]);
      // Like the profile "esm-only" of are-the-types-wrong: without node10, which ignores "exports", and without
      // require().
      const left = result.problems.filter(
        (problem) => !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
      );
      expect(left).toEqual([]);
    },
    LONG_LIMIT_MS,
  );
});

describe("dist/", () => {
  /** The size limit of each entry in bytes, minified and gzipped. */
  const SIZE_LIMITS = { codec: 11_500, xdr: 12_500, "xdr/compiler": 40_000, client: 15_000, syncthing: 18_000 };

  for (const [entry, limit] of Object.entries(SIZE_LIMITS)) {
    testIf(hasNpm, NEEDS_NPM)(
      `has at most ${limit} bytes of ${entry}, minified and gzipped`,
      async () => {
        const file = join(await unpacked(), "dist", `${entry}.js`);
        const { outputFiles } = await build({
          entryPoints: [file],
          bundle: true,
          minify: true,
          format: "esm",
          platform: "node",
          write: false,
        });
        const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
        console.log(`whereabouts/${entry}: ${size} bytes minified and gzipped, limit ${limit}`);
        expect(size).toBeGreaterThan(1000);
        expect(size).toBeLessThanOrEqual(limit);
      },
      LONG_LIMIT_MS,
    );
  }

  testIf(hasNpm, NEEDS_NPM)(
    "has at most 11500 bytes of struct and uint, minified",
    async () => {
      const contents = `export { struct, uint } from ${JSON.stringify(join(await unpacked(), "dist", "xdr.js"))};`;
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: "/" },
        bundle: true,
        minify: true,
        format: "esm",
        write: false,
      });
      const size = outputFiles[0]!.contents.length;
      console.log(`struct and uint: ${size} bytes minified`);
      expect(size).toBeGreaterThan(1000);
      expect(size).toBeLessThanOrEqual(11_500);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "imports only its own files, and uses no API of a runtime",
    async () => {
      const dist = join(await unpacked(), "dist");
      for (const entry of ["codec", "xdr", "xdr/compiler", "client", "server"]) {
        const text = await Bun.file(join(dist, `${entry}.js`)).text();
        expect(importsOf(text, "js")).toEqual([]);
        if (["codec", "xdr"].includes(entry))
          // Looking for Bun is not using it.
          expect(
            text.replace('"Bun" in globalThis', "").match(/\b(Bun|Buffer|process|require|window|document|Deno)\b\W/),
          ).toBeNull();
      }
      const syncthing = importsOf(await Bun.file(join(dist, "syncthing.js")).text(), "js");
      expect([...new Set(syncthing)].sort()).toEqual(["./client.js", "node:crypto", "node:https", "node:tls"]);
      const index = importsOf(await Bun.file(join(dist, "index.js")).text(), "js");
      expect(index.sort()).toEqual(["./client.js", "./codec.js", "./server.js", "./xdr.js"]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has source maps whose sources are all in the package",
    async () => {
      const { files } = await workplace.packed();
      const maps = files.filter((file) => file.endsWith(".map"));
      expect(maps.length).toBeGreaterThan(10);
      for (const map of maps) {
        const { sources } = await Bun.file(join(await unpacked(), map)).json();
        for (const source of sources) expect(files).toContain(join(dirname(map), source));
      }
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "is tree-shaken from a bundle that does not use it, except for modules with side effects such as the worker",
    async () => {
      const folder = join(await workplace.folder("bundled"));
      await workplace.output(["mkdir", "node_modules"], folder);
      await workplace.output(["ln", "-s", await unpacked(), join(folder, "node_modules", "whereabouts")], folder);
      const bundled = async (contents: string): Promise<string> => {
        const stdin = { contents, resolveDir: folder };
        const { outputFiles } = await build({
          stdin,
          bundle: true,
          minify: true,
          format: "esm",
          write: false,
          logLevel: "error",
        });
        return outputFiles[0]!.text;
      };
      expect(
        await bundled(
          'import "whereabouts"; import { createCodec } from "whereabouts/codec"; import "whereabouts/xdr";',
        ),
      ).toBe("");
      const some = await bundled('import { createCodec } from "whereabouts"; console.log(createCodec());');
      expect(some).toContain("the wasm codec cannot be loaded here");
      expect(some).not.toContain("DiscoveryServer");
      expect(some).not.toContain("nested deeper than");
      const source = join(await unpacked(), "src");
      const entrypoints = [join(source, "server", "workers", "worker.ts")];
      const { outputs } = await Bun.build({ entrypoints, target: "bun", external: ["*"] });
      expect(await outputs[0]!.text()).toContain("onmessage");
    },
    LONG_LIMIT_MS,
  );
});

describe("the stub of a module that needs Bun", () => {
  class Fault extends Error {}
  class Thing {
    static readonly kind = "thing";
    readonly made = true;
    static async start(): Promise<void> {}
    static make(): void {}
  }
  const module = { Fault, Thing, PORT: 22025, NAMES: ["a"], act() {}, later: async () => {} };

  async function load(): Promise<typeof module> {
    const file = join(await workplace.folder(crypto.randomUUID()), "thing.mjs");
    await Bun.write(file, stubModule("some/thing", module));
    return await import(file);
  }

  test("has the same exports, and the same values of constants", async () => {
    const { Fault, NAMES, PORT, Thing, ...rest } = await load();
    expect(Object.keys(rest).sort()).toEqual(["act", "later"]);
    expect([PORT, NAMES, Thing.kind]).toEqual([22025, ["a"], "thing"]);
    expect(Fault.prototype).toBeInstanceOf(Error);
  });

  test("throws an error with the module's name when it is used, or rejects with it if the original is async", async () => {
    const { Fault, Thing, act, later } = await load();
    for (const use of [() => new Fault(), () => new Thing(), () => Thing.make(), act])
      expect(use).toThrow("some/thing: ");
    for (const use of [() => Thing.start(), later]) await expect(use()).rejects.toThrow("some/thing: ");
    // These tests run under Bun. There, only a bundler can have chosen the stub.
    expect(act).toThrow('act needs the module of the export condition "bun"');
  });

  test("cannot be generated for a constant that is not plain JSON", () => {
    for (const value of [Symbol("value"), new Map([["a", 1]]), 1n, Number.NaN, { at: undefined }]) {
      expect(() => stubModule("some/thing", { value })).toThrow();
    }
  });
});
