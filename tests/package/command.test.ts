// bin/whereabouts, the installed command: a shell script that runs the command line under Bun, or else under Node.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OutputLines } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { NODE } from "../support/node.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import { hasNpm, NEEDS_NPM, ROOT, Workplace } from "./workplace.ts";

const COMMAND = join(ROOT, "bin", "whereabouts");
const QUERY = "197603090000000668656c6c6f210000";
const NEITHER =
  "whereabouts: needs Bun or Node, and there is neither bun nor node on the PATH: install one (https://bun.sh, https://nodejs.org)\n";
const NOT_BUILT =
  "whereabouts: there is no bun on the PATH, and this checkout is not built for Node: install Bun (https://bun.sh), or run npm run dist once\n";
const needsBun = (name: string) =>
  `whereabouts: error: ${name} needs Bun, and this is Node: install Bun (https://bun.sh), or run npx -y -p bun -p whereabouts whereabouts ${name} ...\n`;

const workplace = new Workplace();
/** Folders for a PATH. All have the shell and what the script calls; none has any other program. */
let paths: Record<"node" | "bun" | "both" | "neither", string>;

beforeAll(async () => {
  const shell = ["sh", "readlink", "dirname"];
  paths = {
    neither: await workplace.tools(shell),
    node: await workplace.tools([...shell, ...(Bun.which("node") ? ["node"] : [])]),
    bun: await workplace.tools([...shell, "bun"]),
    both: await workplace.tools([...shell, "bun", ...(Bun.which("node") ? ["node"] : [])]),
  };
});
afterAll(() => workplace[Symbol.asyncDispose]());

function start(PATH: string, args: readonly string[], command = COMMAND) {
  return Bun.spawn([command, ...args], { env: { PATH, HOME: "/nonexistent" }, stdout: "pipe", stderr: "pipe" });
}

async function run(...parameters: Parameters<typeof start>) {
  const child = start(...parameters);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

describe("with Bun", () => {
  test.each(["bun", "both"] as const)("the command line runs, with Node on the PATH or without (%s)", async (path) => {
    const { out, err, code } = await run(paths[path], ["decode", QUERY]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(JSON.parse(out)).toMatchObject({ ok: true, type: "query" });
  });

  test("it passes arguments on as they are, empty ones and those with spaces included", async () => {
    const { out, err, code } = await run(paths.bun, ["decode", "", "a b", "*"]);
    const direct = await run(paths.bun, [join(ROOT, "src/cli/main.ts"), "decode", "", "a b", "*"], process.execPath);
    expect({ out, err, code }).toEqual(direct);
  });

  test("it ends with the exit code of the command line", async () => {
    const { err, code } = await run(paths.bun, ["server", "--port", "none"]);
    expect(err).toContain("--port");
    expect(code).toBe(2);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("its server gets %s and ends with 0", async (signal) => {
    // Without the admin server: its default port may be in use.
    const options = ["--host", "127.0.0.1", "--port", "0", "--journal", "memory", "--admin", "off"];
    const server = start(paths.bun, ["server", ...options]);
    await new OutputLines(server.stdout).next(/listen/);
    server.kill(signal);
    expect(await server.exited).toBe(0);
  });

  test("it is found through links, absolute or relative, one after the other", async () => {
    const folder = await workplace.folder("links");
    await symlink(COMMAND, join(folder, "absolute"));
    await symlink("absolute", join(folder, "relative"));
    for (const name of ["absolute", "relative"]) {
      expect((await run(paths.bun, ["--version"], join(folder, name))).code).toBe(0);
    }
  });

  test("it runs in a folder whose name has spaces", async () => {
    const folder = await workplace.folder("folder with spaces");
    await symlink(ROOT, join(folder, "the package"));
    expect((await run(paths.bun, ["--version"], join(folder, "the package", "bin", "whereabouts"))).code).toBe(0);
    await symlink(join("the package", "bin", "whereabouts"), join(folder, "the command"));
    expect((await run(paths.bun, ["--version"], join(folder, "the command"))).code).toBe(0);
  });
});

describe("with Node alone", () => {
  /** The command in the installed package. */
  const installed = async () => join((await workplace.npmProject()).installed, "bin", "whereabouts");

  testIf(hasNpm, NEEDS_NPM)(
    "the commands of the client and decode run, also through links and from a folder whose name has spaces",
    async () => {
      const command = await installed();
      const { out, err, code } = await run(paths.node, ["decode", QUERY], command);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      expect(JSON.parse(out)).toMatchObject({ ok: true, type: "query" });
      for (const name of ["lookup", "announce", "watch"]) {
        expect(await run(paths.node, [name, "--help"], command)).toMatchObject({ err: "", code: 0 });
      }
      const folder = await workplace.folder("folder of links");
      await symlink(command, join(folder, "the command"));
      await symlink(dirname(dirname(command)), join(folder, "the package"));
      for (const linked of ["the command", "the package/bin/whereabouts"]) {
        expect(await run(paths.node, ["--version"], join(folder, linked))).toMatchObject({ err: "", code: 0 });
      }
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "the other commands are in the help, and say in one line that they need Bun, whatever their arguments",
    async () => {
      const command = await installed();
      const help = (await run(paths.node, ["--help"], command)).out.replaceAll(/\s+/g, " ");
      for (const name of ["server", "journal", "bench"]) {
        expect(help).toMatch(new RegExp(` ${name} \\[options\\] [^.]*\\.([^.]*\\.)? Needs Bun\\.`));
        for (const args of [
          [],
          ["--help"],
          ["--port", "none"],
          ["--host"],
          ["stats", "--json"],
          ["export", "a", "b"],
        ]) {
          const result = await run(paths.node, [name, ...args], command);
          expect(result).toEqual({ out: "", err: needsBun(name), code: 127 });
        }
      }
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "an older Node is named in one line, with exit code 127, before it loads what it cannot load",
    async () => {
      // What Node has from 20.16 on.
      const older = "data:text/javascript,delete process.getBuiltinModule";
      const main = join((await workplace.npmProject()).installed, "dist", "cli.js");
      const { out, err, code } = await run(paths.node, ["--import", older, main, "--version"], NODE);
      expect(err).toMatch(
        /^whereabouts: error: needs Node 20\.16 or later, and this is v[\d.]+: update it, or [^\n]+\n$/,
      );
      expect({ out, code }).toEqual({ out: "", code: 127 });
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "announce gets SIGTERM and SIGINT, and ends with 0",
    async () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const args = ["announce", "--port", "1", "--server", "127.0.0.1:1"];
        const child = start(paths.node, args, await installed());
        await new OutputLines(child.stdout).next(/announcing/);
        child.kill(signal);
        expect(await child.exited).toBe(0);
      }
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNpm, NEEDS_NPM)(
    "npx runs the installed package, and its exit code is the command's",
    async () => {
      const { folder } = await workplace.npmProject();
      const PATH = await workplace.tools(["sh", "readlink", "dirname", "node", "npm", "npx"]);
      const npx = async (...args: string[]) => {
        const command = [Bun.which("npx", { PATH })!, "--no", "--", "whereabouts", ...args];
        const child = Bun.spawn(command, { cwd: folder, env: { ...Bun.env, PATH }, stdout: "pipe", stderr: "pipe" });
        const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
        return { out, err, code };
      };
      const line = '{"ok":true,"type":"query","nodeId":"hello!","nodeIdHex":"68656c6c6f21"}\n';
      expect(await npx("decode", QUERY)).toEqual({ out: line, err: "", code: 0 });
      expect(await npx("server")).toEqual({ out: "", err: needsBun("server"), code: 127 });
    },
    LONG_LIMIT_MS,
  );
});

describe("what is missing is said in one line, with exit code 127,", () => {
  test("if there is neither Bun nor Node", async () => {
    expect(await run(paths.neither, ["--version"])).toEqual({ out: "", err: NEITHER, code: 127 });
  });

  testIf(Bun.which("node") !== null, "needs node")("if there is no Bun, and the checkout has no dist/", async () => {
    const folder = await workplace.folder("checkout");
    await cp(COMMAND, join(folder, "bin", "whereabouts"));
    const result = await run(paths.node, ["--version"], join(folder, "bin", "whereabouts"));
    expect(result).toEqual({ out: "", err: NOT_BUILT, code: 127 });
  });
});

describe("its file is executable", () => {
  test("in git", async () => {
    const entry = await workplace.output(["git", "ls-files", "--stage", "bin/whereabouts"], ROOT);
    expect(entry).toStartWith("100755 ");
  });

  testIf(hasNpm, NEEDS_NPM)(
    "in the tarball of npm and in what Bun installs of it",
    async () => {
      const { tarball } = await workplace.packed();
      const list = await workplace.output(["tar", "-tvzf", tarball, "package/bin/whereabouts"], ROOT);
      expect(list).toStartWith("-rwxr-xr-x ");
      const { installed } = await workplace.bunProject();
      expect((await stat(join(installed, "bin", "whereabouts"))).mode & 0o111).toBe(0o111);
    },
    LONG_LIMIT_MS,
  );
});
