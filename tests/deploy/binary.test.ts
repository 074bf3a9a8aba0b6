// The command line and programs of users as one file, built by `bun build --compile`, on a machine without Bun.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { version } from "../../package.json";
import { THREADS } from "../../src/threads/start.ts";
import { Binary, hasTarget, NEEDS_TARGET } from "../support/binary.ts";
import { OutputLines } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { Host, hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(LONG_LIMIT_MS);

const ROOT = join(import.meta.dir, "../..");
const folder = new Folder();
let binary: Binary;
beforeAll(() => {
  if (hasTarget) binary = new Binary();
});
afterAll(() => {
  if (hasTarget) binary[Symbol.dispose]();
  folder[Symbol.dispose]();
});

/** Runs the binary without any variables, so with an empty PATH. */
function start(args: readonly string[], host?: Host) {
  const command = [binary.path, ...args];
  return Bun.spawn(host === undefined ? command : host.command(["env", "-i", ...command]), {
    env: host === undefined ? {} : { PATH: Bun.env.PATH! },
    cwd: folder.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function output(args: readonly string[], host?: Host) {
  const child = start(args, host);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

describe("the binary", () => {
  for (const transport of ["udp", "mmsg"]) {
    testIf(hasTarget && hasNetns, NEEDS_NETNS)(
      `serves with two workers over ${transport}, keeps nodes in a file, and finds them: without Bun, in a network of its own`,
      async () => {
        await using host = await Host.create();
        const journal = `sqlite:${folder.at(`${transport}.db`)}`;
        const flags = ["--host", "127.0.0.1", "--workers", "2", "--transport", transport];
        const server = start(["server", ...flags, "--journal", journal], host);
        const lines = new OutputLines(server.stdout);
        expect(await lines.next(/listens on/)).toContain(`wasm engine, 2 workers, transport ${transport}`);

        const announce = start(["announce", "--id", "NODE", "--port", "4711", "--server", "127.0.0.1", "--json"], host);
        await new OutputLines(announce.stdout).next(/"NODE"/);
        const { out, code } = await output(["lookup", "NODE", "--server", "127.0.0.1", "--json"], host);
        expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, nodeId: "NODE", ip: "127.0.0.1", port: 4711 });
        // The admin server is where it is by default. Its page is inside the binary.
        const status = await output(["status", "--json"], host);
        expect({ code: status.code, ...JSON.parse(status.out) }).toMatchObject({
          code: 0,
          ready: true,
          transport,
          version,
        });
        const fetchPage = 'console.log(await (await fetch("http://127.0.0.1:22080/")).text())';
        const page = Bun.spawnSync(host.command([process.execPath, "-e", fetchPage]));
        expect(page.stdout.toString()).toContain("<html");
        for (const child of [announce, server]) child.kill("SIGTERM");
        expect(await server.exited).toBe(0);
        await announce.exited;

        const stored = await output(["journal", "export", "--journal", journal]);
        expect(stored.out).toContain("NODE");
      },
    );
  }

  testIf(hasTarget, NEEDS_TARGET)(
    "knows its version, decodes packets, and says that bench needs a checkout",
    async () => {
      const [versioned, decoded, bench] = await Promise.all([
        output(["--version"]),
        output(["decode", "197603090000000668656c6c6f210000"]),
        output(["bench"]),
      ]);
      expect(versioned.out).toBe(`${version}\n`);
      expect(JSON.parse(decoded.out)).toMatchObject({ ok: true, nodeId: "hello!" });
      expect(bench).toMatchObject({
        code: 2,
        err: expect.stringMatching(/^whereabouts: error: bench needs a checkout/),
      });
    },
  );
});

describe("a program of a user that is compiled with the server in it", () => {
  /** Compiles the program with these additional entry points, and runs it. */
  async function compiled(name: string, entryPoints: readonly string[]) {
    const project = folder.at(name);
    await mkdir(join(project, "node_modules"), { recursive: true });
    await symlink(ROOT, join(project, "node_modules/whereabouts"));
    await Bun.write(join(project, "main.ts"), Bun.file(join(import.meta.dir, "compiled-program.ts")));
    const build = Bun.spawn(
      [process.execPath, "build", "--compile", "main.ts", ...entryPoints, "--outfile", "program"],
      { cwd: project, stdout: "pipe", stderr: "pipe" },
    );
    expect({ err: await build.stderr.text(), code: await build.exited }).toMatchObject({ code: 0 });
    const child = Bun.spawn([join(project, "program"), `sqlite:${project}/registry.db`], {
      env: {},
      cwd: project,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  }

  const [packets, journal] = THREADS.map((thread) => `./node_modules/whereabouts/src/${thread}`);

  testIf(hasTarget, NEEDS_TARGET)("has its workers if their entry points were passed to bun build", async () => {
    expect(await compiled("complete", [packets!, journal!])).toEqual({ out: "2\n", err: "", code: 0 });
  });

  testIf(hasTarget, NEEDS_TARGET)("names the entry point that is missing", async () => {
    const { err, code } = await compiled("incomplete", [packets!]);
    expect(err).toContain(`add the file src/${THREADS[1]} of whereabouts to the entry points of bun build --compile`);
    expect(code).toBe(1);
  });
});
