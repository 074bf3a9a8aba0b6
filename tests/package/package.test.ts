// The package as it is published: what is in it, what it weighs, and what tools that judge packages say of it.

import { afterAll, describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { stubModule } from "../../scripts/stub.ts";
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

/** What a module imports, types left aside, and what it opens by a path of its own. */
function importsOf(text: string, loader: "js" | "ts"): string[] {
  const code = text.replace(/^#!.*/, "");
  const opened = [...code.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map(([, path]) => path!);
  return [...new Bun.Transpiler({ loader }).scanImports(code).map(({ path }) => path), ...opened];
}

describe("the tarball", () => {
  testIf(hasNpm, NEEDS_NPM)(
    "has all that package.json leads to, and nothing that only a checkout needs",
    async () => {
      const { files } = await workplace.packed();
      const { exports, bin } = await Bun.file(join(await unpacked(), "package.json")).json();
      const targets: string[] = [
        bin.whereabouts,
        ...Object.values<string | object>(exports).flatMap((to) => Object.values(typeof to === "string" ? [to] : to)),
      ];
      expect(targets.length).toBeGreaterThan(15);
      for (const target of targets) expect(files).toContain(target.replace(/^\.\//, ""));
      const tops = new Set(files.map((file) => file.split("/")[0]));
      expect([...tops].sort()).toEqual([
        "LICENSE",
        "README.md",
        "assembly",
        "bin",
        "build",
        "dist",
        "docs",
        "package.json",
        "src",
      ]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has every file that a source of it imports or opens, and depends on every package",
    async () => {
      const { files } = await workplace.packed();
      const { dependencies } = await Bun.file(join(await unpacked(), "package.json")).json();
      const found = new Set<string>();
      for (const file of files.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file))) {
        for (const path of importsOf(await Bun.file(join(await unpacked(), file)).text(), "ts")) {
          if (path.startsWith(".")) expect(files).toContain(join(dirname(file), path));
          else if (!path.startsWith("node:") && !path.startsWith("bun:"))
            expect(Object.keys(dependencies)).toContain(path);
          found.add(path);
        }
      }
      for (const path of ["../../build/engine.wasm", "./worker.ts", "commander"]) expect(found).toContain(path);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "runs nothing when it is installed",
    async () => {
      const { scripts } = await Bun.file(join(await unpacked(), "package.json")).json();
      const atInstall = /^(pre|post)?(install|prepare|dependencies)$|^prepublish$/;
      expect(Object.keys(scripts).filter((name) => atInstall.test(name))).toEqual([]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "is the same from bun pm pack",
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

  /** `npm pack --dry-run` with nothing else on the PATH than these programs and those in `more`. */
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
    "is not packed where there is neither Bun nor npx, and one line says what is missing",
    async () => {
      const { err, code } = await packWith([]);
      expect(code).not.toBe(0);
      expect(err).toContain(
        "whereabouts: this needs Bun, and there is neither bun nor npx on the PATH: install Bun (https://bun.sh)\n",
      );
    },
    INSTALL_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "is packed without Bun by the version that package.json names, through the npx that the user has",
    async () => {
      const folder = await workplace.folder("npx");
      const log = join(folder, "log");
      // In the place of npx, which would need a network. What it is given tells how npx is called.
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
    "has nothing that publint would have otherwise",
    async () => {
      const tarball = await Bun.file((await workplace.packed()).tarball).arrayBuffer();
      expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "has the right types for every way of importing it that ES modules have",
    async () => {
      const tarball = await Bun.file((await workplace.packed()).tarball).bytes();
      // What a module of wasm is to its importer is the importer's bundler's business: there is no type for it.
      const excludeEntrypoints = ["./codec.wasm"];
      const result = await checkPackage(createPackageFromTarballData(tarball), { excludeEntrypoints });
      if (result.types === false) throw new TypeError("it has no types");
      expect(Object.keys(result.entrypoints)).toEqual([
        ".",
        "./codec",
        "./xdr",
        "./client",
        "./server",
        "./package.json",
      ]);
      // The profile "esm-only" of are-the-types-wrong: it leaves out node10, which knows no exports, and require().
      const left = result.problems.filter(
        (problem) => !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
      );
      expect(left).toEqual([]);
    },
    LONG_LIMIT_MS,
  );
});

describe("what was built", () => {
  /** The most that an entry may weigh, in bytes of its minified and zipped text. */
  const MOST = { codec: 8000, xdr: 6000 };

  for (const [entry, most] of Object.entries(MOST)) {
    testIf(hasNpm, NEEDS_NPM)(
      `of ${entry} is at most ${most} bytes, minified and zipped`,
      async () => {
        const file = join(await unpacked(), "dist", `${entry}.js`);
        const { outputFiles } = await build({
          entryPoints: [file],
          bundle: true,
          minify: true,
          format: "esm",
          write: false,
        });
        const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
        console.log(`whereabouts/${entry}: ${size} bytes minified and zipped, of ${most} at most`);
        expect(size).toBeGreaterThan(1000);
        expect(size).toBeLessThanOrEqual(most);
      },
      LONG_LIMIT_MS,
    );
  }

  testIf(hasNpm, NEEDS_NPM)(
    "imports nothing but what was built beside it, and knows no runtime",
    async () => {
      const dist = join(await unpacked(), "dist");
      for (const entry of ["codec", "xdr", "client", "server"]) {
        const text = await Bun.file(join(dist, `${entry}.js`)).text();
        expect(importsOf(text, "js")).toEqual([]);
        if (entry in MOST) expect(text.match(/\b(Bun|Buffer|process|require|window|document|Deno)\b\W/)).toBeNull();
      }
      const index = importsOf(await Bun.file(join(dist, "index.js")).text(), "js");
      expect(index.sort()).toEqual(["./client.js", "./codec.js", "./server.js", "./xdr.js"]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "leads debuggers and editors to sources that are in the package",
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
    "is left out of a bundle where it is not used, and entries that act are not",
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

describe("a module that needs Bun, elsewhere", () => {
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

  test("has the same names, and the same constants", async () => {
    const { Fault, NAMES, PORT, Thing, ...rest } = await load();
    expect(Object.keys(rest).sort()).toEqual(["act", "later"]);
    expect([PORT, NAMES, Thing.kind]).toEqual([22025, ["a"], "thing"]);
    expect(Fault.prototype).toBeInstanceOf(Error);
  });

  test("says what is missing when it is used; what is asynchronous says it to who waits", async () => {
    const { Fault, Thing, act, later } = await load();
    for (const use of [() => new Fault(), () => new Thing(), () => Thing.make(), act])
      expect(use).toThrow("some/thing: ");
    for (const use of [() => Thing.start(), later]) await expect(use()).rejects.toThrow("some/thing: ");
    // Under Bun, which is running this, it was a bundler that took the wrong module.
    expect(act).toThrow('act needs the module of the export condition "bun"');
  });

  test("cannot be made of what has no text", () => {
    for (const mark of [Symbol("mark"), new Map([["a", 1]]), 1n, Number.NaN, { at: undefined }]) {
      expect(() => stubModule("some/thing", { mark })).toThrow();
    }
  });
});
