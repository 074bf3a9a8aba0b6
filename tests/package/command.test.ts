// bin/whereabouts, the installed command: a shell script that runs the command line under Bun.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { OutputLines } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import { hasNpm, NEEDS_NPM, ROOT, Workplace } from "./workplace.ts";

const COMMAND = join(ROOT, "bin", "whereabouts");
const QUERY = "197603090000000668656c6c6f210000";
const MISSING =
  "whereabouts: needs Bun, and there is no bun on the PATH: install it (https://bun.sh), or run npx -y -p bun whereabouts ...\n";

const workplace = new Workplace();
/** Folders for a PATH. All have the shell and what the script calls; none has any other program. */
let paths: Record<"node" | "bun" | "both", string>;

beforeAll(async () => {
  const shell = ["sh", "readlink", "dirname"];
  paths = {
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
    const server = start(paths.bun, ["server", "--host", "127.0.0.1", "--port", "0", "--journal", "memory"]);
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

describe("without Bun", () => {
  test("it says in one line what is missing and how to get it, and exits with 127", async () => {
    expect(await run(paths.node, ["--version"])).toEqual({ out: "", err: MISSING, code: 127 });
  });

  testIf(hasNpm, NEEDS_NPM)(
    "the installed package, started by npx, prints the same line and exits with 127",
    async () => {
      const { folder } = await workplace.npmProject();
      const PATH = await workplace.tools(["sh", "readlink", "dirname", "node", "npm", "npx"]);
      const command = [Bun.which("npx", { PATH })!, "--no", "--", "whereabouts", "--version"];
      const child = Bun.spawn(command, { cwd: folder, env: { ...Bun.env, PATH }, stdout: "pipe", stderr: "pipe" });
      const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      expect({ out, err, code }).toEqual({ out: "", err: MISSING, code: 127 });
    },
    LONG_LIMIT_MS,
  );
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
