// The installed package in every environment that it is for: all vectors, on both backends.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { cp } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { DiscoveryServer } from "../../src/server/index.ts";
import { blockOf } from "../docs/pages.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { Client } from "../support/client.ts";
import { OutputLines } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { NODE } from "../support/node.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { LONG_LIMIT_MS, TEST_LIMIT_MS } from "../support/time-limits.ts";
import { Pages } from "./pages.ts";
import type { Report } from "./vectors.ts";
import { hasNpm, NEEDS_NPM, type Project, ROOT, vectorFiles, Workplace } from "./workplace.ts";

const workplace = new Workplace();
let expected: Report;
/** What the XDR compiler makes of a type in each environment. */
const compiled = "export type names = string;";

afterAll(() => workplace[Symbol.asyncDispose]());
beforeAll(async () => {
  const texts = await Promise.all((await vectorFiles()).map((file) => Bun.file(file).text()));
  const vectors = texts.flatMap((text) => text.trim().split("\n"));
  const packets = vectors.filter((line) => JSON.parse(line).ok);
  expect(packets.length).toBeGreaterThan(1000);
  expected = { vectors: vectors.length, packets: packets.length, differences: [] };
});

/** Paths in the package of the modules that a program in `project` imported. */
function modulesOf({ installed }: Project, urls: readonly string[]): string[] {
  return urls.map((url) => relative(pathToFileURL(installed).href, url));
}

/** Runs a build of peers.ts with a server on loopback. Its node must be found, and nothing else be printed. */
async function expectPeers(command: readonly string[], folder: string): Promise<void> {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
  const at = `127.0.0.1:${server.port}`;
  expect(await workplace.output([...command, at], folder)).toBe(`127.0.0.1:22000 via ${at}\n`);
}

testIf(hasNpm, NEEDS_NPM)(
  "under Bun a program of the client announces a node and finds it, from its source and compiled",
  async () => {
    const { folder } = await workplace.bunProject();
    await expectPeers(["bun", "peers.ts"], folder);
    await workplace.output(["bun", "build", "--compile", "peers.ts", "--outfile", "peers"], folder);
    await expectPeers([join(folder, "peers")], await workplace.folder("compiled"));
  },
  LONG_LIMIT_MS,
);

testIf(hasNpm, NEEDS_NPM)(
  "under Bun the TypeScript sources run, and agree with the original decoder on every vector",
  async () => {
    const project = await workplace.bunProject();
    const files = await vectorFiles();
    const printed = await workplace.output(["bun", "program.ts", ...files], project.folder);
    const { examination, modules } = JSON.parse(printed);
    expect(examination).toEqual({ auto: "ts", batch: "wasm", wasm: expected, ts: expected, xdr: expected, compiled });
    expect(modulesOf(project, modules)).toEqual(["src/codec/index.ts", "src/xdr/index.ts"]);
  },
  LONG_LIMIT_MS,
);

describe("under Node", () => {
  testIf(hasNpm, NEEDS_NPM)(
    "the files of dist/ run, and agree with the original decoder on every vector",
    async () => {
      const project = await workplace.npmProject();
      // The build only removes the types. Node itself resolves the imports of the package.
      await build({
        entryPoints: [join(project.folder, "program.ts")],
        outfile: join(project.folder, "program.mjs"),
        bundle: true,
        packages: "external",
        format: "esm",
        platform: "node",
      });
      const printed = await workplace.output(["node", "program.mjs", ...(await vectorFiles())], project.folder);
      const { examination, modules } = JSON.parse(printed);
      expect(examination).toEqual({ auto: "ts", batch: "wasm", wasm: expected, ts: expected, xdr: expected, compiled });
      expect(modulesOf(project, modules)).toEqual(["dist/codec.js", "dist/xdr.js"]);
    },
    LONG_LIMIT_MS,
  );

  const FORMS = [
    ["as an ES module", { format: "esm", packages: "external" }],
    ["bundled as an ES module", { format: "esm" }],
    ["bundled as CommonJS", { format: "cjs" }],
  ] as const;
  for (const [how, options] of FORMS) {
    testIf(hasNpm, NEEDS_NPM)(
      `a program of the client, ${how}, announces a node and finds it`,
      async () => {
        const { folder } = await workplace.npmProject();
        const outfile = join(folder, `${how.replaceAll(" ", "-")}.${options.format === "esm" ? "mjs" : "cjs"}`);
        const entryPoints = [join(folder, "peers.ts")];
        const { warnings } = await build({ entryPoints, outfile, bundle: true, platform: "node", ...options });
        expect(warnings).toEqual([]);
        await expectPeers(["node", outfile], folder);
      },
      LONG_LIMIT_MS,
    );
  }

  testIf(hasNpm, NEEDS_NPM)(
    "a CommonJS program imports the client, or requires it where Node can require ES modules",
    async () => {
      const { folder } = await workplace.npmProject();
      const program = `
        import("whereabouts/client").then(({ Discoverer, LAN_PORT }) => {
          const same = !process.features.require_module || require("whereabouts/client").Discoverer === Discoverer;
          console.log(JSON.stringify([typeof Discoverer.start, LAN_PORT, same]));
        });`;
      await Bun.write(join(folder, "client.cjs"), program);
      expect(JSON.parse(await workplace.output(["node", "client.cjs"], folder))).toEqual(["function", 21025, true]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "the server can be imported, and its use throws an error that names Bun",
    async () => {
      const { folder } = await workplace.npmProject();
      const program = `
        import * as all from "whereabouts";
        import { createCodec, PacketError } from "whereabouts/codec";
        import { Discoverer } from "whereabouts/client";
        import { DEFAULT_PORT, DiscoveryServer, ServerError } from "whereabouts/server";
        const attempts = [() => DiscoveryServer.start(), () => new DiscoveryServer()];
        const results = [];
        for (const attempt of attempts) results.push(await (async () => attempt())().catch(({ message }) => message));
        // It must reject, not throw at once.
        results.push(typeof DiscoveryServer.start().catch(() => {}).then);
        results.push([DEFAULT_PORT, ServerError.prototype instanceof Error]);
        results.push([all.PacketError === PacketError, all.Discoverer === Discoverer, createCodec().backend, typeof all.xdr.decode]);
        console.log(JSON.stringify(results));`;
      await Bun.write(join(folder, "stubs.mjs"), program);
      const needs = "needs Bun 1.4.5 or later (https://bun.sh); only whereabouts/server needs it";
      expect(JSON.parse(await workplace.output(["node", "stubs.mjs"], folder))).toEqual([
        `whereabouts/server: DiscoveryServer.start ${needs}`,
        `whereabouts/server: new DiscoveryServer ${needs}`,
        "function",
        [22025, true],
        [true, true, "ts", "function"],
      ]);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "whereabouts/codec.wasm resolves to the module",
    async () => {
      const { folder } = await workplace.npmProject();
      const program = `
        import { readFileSync } from "node:fs";
        const bytes = readFileSync(new URL(import.meta.resolve("whereabouts/codec.wasm")));
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
        console.log(exports.decode(0, 3, 64));`;
      await Bun.write(join(folder, "wasm.mjs"), program);
      expect(await workplace.output(["node", "wasm.mjs"], folder)).toBe("2\n");
    },
    LONG_LIMIT_MS,
  );
});

describe("a program pasted from docs/ into an empty project", () => {
  const PROGRAMS = [
    [
      "the codec",
      "docs/start.md",
      "createCodec()",
      "197603090000000668656c6c6f210000\nquery\nbad-id-length at byte 4\n",
    ],
    ["a schema", "docs/schemas.md", "console.log(", "README; cut short: truncated at byte 20, in entries[0].size\n"],
  ] as const;
  for (const [what, page, text, printed] of PROGRAMS) {
    testIf(hasNpm, NEEDS_NPM)(
      `${what} runs under Node and under Bun`,
      async () => {
        const program = await blockOf(page, text);
        for (const [runtime, { folder }] of [
          ["node", await workplace.npmProject()],
          ["bun", await workplace.bunProject()],
        ] as const) {
          await Bun.write(join(folder, "pasted.mjs"), program);
          expect(await workplace.output([runtime, "pasted.mjs"], folder)).toBe(printed);
        }
      },
      LONG_LIMIT_MS,
    );
  }
});

describe("an example of the package", () => {
  testIf(hasNpm && hasNetns, hasNpm ? NEEDS_NETNS : NEEDS_NPM)(
    "runs where it was installed, and as a copy in the project: alice and bob find each other on the LAN",
    async () => {
      const { folder, installed } = await workplace.npmProject();
      await cp(join(installed, "examples", "chat.js"), join(folder, "chat.mjs"));
      await using stack = new AsyncDisposableStack();
      const hosts = stack.use(await twoHosts());
      const chat = (host: Host, ...args: string[]) => {
        const child = Bun.spawn(host.command([NODE, ...args]), { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
        stack.defer(() => child.kill());
        return new OutputLines(child.stdout);
      };
      const alice = chat(hosts.a, "node_modules/whereabouts/examples/chat.js", "alice");
      await alice.next(/^\* you are alice/);
      await Promise.all([
        chat(hosts.b, "chat.mjs", "bob", "alice").next(/^\* alice is here$/),
        alice.next(/^\* bob is here$/),
      ]);
    },
    LONG_LIMIT_MS,
  );
});

describe("the command", () => {
  testIf(hasNpm, NEEDS_NPM)(
    "decodes a packet when started by npx and by bunx",
    async () => {
      const decode = ["whereabouts", "decode", "197603090000000668656c6c6f210000"];
      const line = '{"ok":true,"type":"query","nodeId":"hello!","nodeIdHex":"68656c6c6f21"}\n';
      const { folder } = await workplace.npmProject();
      expect(await workplace.output(["npx", "--no", "--", ...decode], folder)).toBe(line);
      expect(await workplace.output(["bunx", "--no-install", ...decode], (await workplace.bunProject()).folder)).toBe(
        line,
      );
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "runs a server with the wasm engine and the worker from the package",
    async () => {
      const { folder } = await workplace.bunProject();
      const options = ["--host", "127.0.0.1", "--port", "0", "--journal", "memory", "--admin", "off"];
      const server = Bun.spawn([join(folder, "node_modules", ".bin", "whereabouts"), "server", ...options], {
        cwd: folder,
        env: await workplace.environment(),
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const line = await new OutputLines(server.stdout).next(/listens on udp .*: wasm engine/);
        await using client = await Client.open(Number(/127\.0\.0\.1:(\d+)/.exec(line)![1]));
        client.send(announcement(ascii("A"), 22000));
        expect(await client.ask(query(ascii("A")))).toEqual(
          announcement(ascii("A"), 22000, Uint8Array.of(127, 0, 0, 1)),
        );
      } finally {
        server.kill();
      }
      expect(await server.exited).toBe(0);
    },
    LONG_LIMIT_MS,
  );
});

describe("a user's strict program compiles", () => {
  /** Compiles it with the package's own types only. Returns the files of the package that the compiler read. */
  async function compile(program: string, lib: string[], moduleResolution: string): Promise<string[]> {
    const { folder, installed } = await workplace.npmProject();
    const module = moduleResolution === "bundler" ? "esnext" : "nodenext";
    const compilerOptions = { strict: true, target: "es2022", lib, module, moduleResolution, types: [], noEmit: true };
    const config = join(folder, `${program}.${moduleResolution}.json`);
    await Bun.write(config, JSON.stringify({ compilerOptions, files: [join(folder, program)] }));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const list = await workplace.output(["bun", tsc, "--skipLibCheck", "false", "--listFiles", "-p", config], folder);
    const files = list.trim().split("\n");
    return files.filter((file) => file.startsWith(installed)).map((file) => relative(installed, file));
  }

  for (const moduleResolution of ["nodenext", "bundler"]) {
    testIf(hasNpm, NEEDS_NPM)(
      `with ${moduleResolution}, with codec and xdr, without types of the DOM or of a runtime`,
      async () => {
        const read = await compile("types/portable.ts", ["es2022"], moduleResolution);
        expect(read).toContain("dist/types/src/codec/index.d.ts");
        expect(read.filter((file) => !file.endsWith(".d.ts"))).toEqual([]);
      },
      LONG_LIMIT_MS,
    );

    testIf(hasNpm, NEEDS_NPM)(
      `with ${moduleResolution}, with the client, without types of the DOM or of a runtime but AbortSignal`,
      async () => {
        const read = await compile("types/client.ts", ["es2022", "esnext.disposable"], moduleResolution);
        expect(read).toContain("dist/types/src/client/index.d.ts");
        expect(read.filter((file) => !file.endsWith(".d.ts"))).toEqual([]);
      },
      LONG_LIMIT_MS,
    );

    testIf(hasNpm, NEEDS_NPM)(
      `with ${moduleResolution}, with client and server, without the types of Bun`,
      async () => {
        const read = await compile("types/bun.ts", ["esnext", "dom"], moduleResolution);
        expect(read).toContain("dist/types/src/server/index.d.ts");
        expect(read.filter((file) => !file.endsWith(".d.ts"))).toEqual([]);
      },
      LONG_LIMIT_MS,
    );

    testIf(hasNpm, NEEDS_NPM)(
      `with ${moduleResolution}, on the server, without the types of the DOM and of Bun`,
      async () => {
        const read = await compile("types/server.ts", ["esnext"], moduleResolution);
        expect(read).toContain("dist/types/src/server/index.d.ts");
        expect(read.filter((file) => !file.endsWith(".d.ts"))).toEqual([]);
      },
      LONG_LIMIT_MS,
    );
  }
});

describe("in a browser", () => {
  let pages: Pages | undefined;
  const available = hasNpm && hasChromium;
  const reason = hasNpm ? NEEDS_CHROMIUM : NEEDS_NPM;

  beforeAll(async () => {
    if (available || Bun.env.CI === "true") pages = await Pages.open(await workplace.npmProject());
  }, LONG_LIMIT_MS);
  afterAll(() => pages?.[Symbol.asyncDispose]());

  const FORBIDDEN =
    /^Error: the wasm codec cannot be loaded here: ask for "ts" or "auto" \(CompileError: .*Content Security Policy/;
  const POLICIES = [
    ["agrees with the original decoder on every vector", "", true],
    [
      "uses wasm for batches under a policy that allows wasm",
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
      true,
    ],
    [
      "uses TypeScript for batches under a policy that forbids wasm, and reports that",
      "default-src 'self'; script-src 'self'",
      false,
    ],
  ] as const;

  for (const [how, as] of [
    ["files", "as separate files"],
    ["bundle", "bundled"],
  ] as const) {
    for (const [what, policy, wasm] of POLICIES) {
      testIf(available, reason)(
        `${as}, it ${what}; the client can be loaded, and says that it needs Bun or Node when it is used`,
        async () => {
          const { examination, clientErrors } = await pages!.load(how, policy);
          const error = "Error: whereabouts/client needs Bun, or Node 20.16 or later";
          expect(clientErrors).toEqual([error, error, error]);
          expect(examination).toEqual({
            auto: "ts",
            batch: wasm ? "wasm" : "ts",
            wasm: wasm ? expected : expect.stringMatching(FORBIDDEN),
            ts: expected,
            xdr: expected,
            compiled,
          });
        },
        TEST_LIMIT_MS,
      );
    }
  }
});
