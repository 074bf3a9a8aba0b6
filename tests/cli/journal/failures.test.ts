import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, createWriteStream, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { run, TerminalCommand } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { runInOneProcess } from "../../support/one-process.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

/** Makes the kernel check file permissions for root, too. */
const UNPRIVILEGED = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
const NEEDS_SETPRIV = "needs setpriv if run as root";
const canDropRights = UNPRIVILEGED.length === 0 || Bun.which("setpriv") !== null;
const NEEDS_PROC = "needs /proc: Linux";
const hasProc = process.platform === "linux";

const ADVICE =
  "name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing";

const node = () => `${JSON.stringify({ nodeId: "A", ip: "192.0.2.7", port: 1, announcedAt: Date.now() - 1000 })}\n`;

const ERASE_LINE = "\r\x1b[2K";

function showsOn(shown: TerminalCommand, text: string): Promise<void> {
  return until(() => shown.text.includes(text), text);
}

function makePipe(path: string): void {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
}

setDefaultTimeout(TEST_LIMIT_MS);

describe.concurrent("whereabouts journal import", () => {
  test("an empty input imports nothing and says so: a device, a file, standard input", async () => {
    using folder = new Folder();
    const journal = ["--journal", `sqlite:${folder.at("registry.db")}`];
    writeFileSync(folder.at("empty"), "");
    for (const [file, what] of [
      ["/dev/null", "the file /dev/null"],
      [folder.at("empty"), `the file ${folder.at("empty")}`],
      ["-", "standard input"],
    ] as const) {
      const importOnce = file === "-" ? run : runInOneProcess;
      expect(await importOnce(["journal", "import", file, ...journal])).toEqual({
        out: "",
        err: `whereabouts: nothing to import: ${what} is empty; it should have lines as "whereabouts journal export" prints them\n`,
        code: 0,
      });
    }
  });

  test("a named pipe is read to its end", async () => {
    using folder = new Folder();
    const pipe = folder.at("pipe");
    makePipe(pipe);
    const importing = run(["journal", "import", pipe, "--journal", `sqlite:${folder.at("registry.db")}`]);
    writeFileSync(folder.at("nodes.jsonl"), node());
    await Bun.spawn(["sh", "-c", `cat ${folder.at("nodes.jsonl")} >${pipe}`]).exited;
    expect(await importing).toEqual({ out: "", err: "whereabouts: 1 node imported\n", code: 0 });
  });

  test("an input that cannot be opened is one line, and no journal is created", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    writeFileSync(folder.at("file"), "");
    const missing = (file: string) => `there is no file ${file}: check its name, or give "-" to read standard input`;
    for (const [file, why, code] of [
      ["/nope", missing("/nope"), 1],
      [folder.at("file/x"), missing(folder.at("file/x")), 1],
      [folder.path, `${folder.path} is a folder: give a file in it that "whereabouts journal export" has written`, 1],
      ["", 'the file name is empty: give a file, or "-"', 2],
    ] as const) {
      expect(await runInOneProcess(["journal", "import", file, "--journal", `sqlite:${path}`])).toEqual({
        out: "",
        err: `whereabouts: error: ${why}\n`,
        code,
      });
    }
    expect(readdirSync(folder.path)).toEqual(["file"]);
  });

  testIf(canDropRights, NEEDS_SETPRIV)("an input without read permission is one line and exit code 1", async () => {
    using folder = new Folder();
    const file = folder.at("secret");
    writeFileSync(file, "");
    chmodSync(file, 0);
    const args = ["journal", "import", file, "--journal", `sqlite:${folder.at("registry.db")}`];
    expect(await run(args, "", { by: UNPRIVILEGED })).toEqual({
      out: "",
      err: `whereabouts: error: the file ${file} cannot be read: permission denied\n`,
      code: 1,
    });
  });

  test("on a terminal, import says that it reads standard input, and how to end it", async () => {
    using folder = new Folder();
    await using shown = new TerminalCommand(["journal", "import", "--journal", `sqlite:${folder.at("registry.db")}`]);
    await showsOn(shown, "whereabouts: reading nodes and devices from standard input; end with Ctrl-D\r\n");
    shown.terminal.write(node());
    shown.terminal.write("\x04");
    await showsOn(shown, "whereabouts: 1 node imported\r\n");
    expect(await shown.child.exited).toBe(0);
  });

  test("on a terminal, import shows its progress while it waits, and erases it before each line", async () => {
    using folder = new Folder();
    const pipe = folder.at("pipe");
    makePipe(pipe);
    const args = ["journal", "import", pipe, "--journal", `sqlite:${folder.at("registry.db")}`];
    await using shown = new TerminalCommand(args);
    const writer = createWriteStream(pipe);
    await showsOn(shown, "reading nodes and devices: 0 imported so far");
    writer.write("junk\n");
    await showsOn(shown, "whereabouts: line 1: not valid JSON\r\n");
    writer.end(node());
    await showsOn(shown, "whereabouts: 1 node imported, 1 invalid line left out\r\n");
    expect(await shown.child.exited).toBe(1);
    const screen = shown.text.split("\r\n").map((line) => Bun.stripANSI(line.split(ERASE_LINE).at(-1)!));
    expect(screen).toEqual([
      "whereabouts: line 1: not valid JSON",
      "whereabouts: 1 node imported, 1 invalid line left out",
      "",
    ]);
  });
});

describe.concurrent("on a terminal", () => {
  test.each(["stats", "export"])("%s shows that it reads while the journal is slow", async (command) => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    await using shown = new TerminalCommand(["journal", command, "--journal", `redis://127.0.0.1:${silent.port}`]);
    await showsOn(shown, "reading the journal");
    shown.terminal.write("\x03");
    await shown.child.exited;
    expect(shown.child.signalCode).toBe("SIGINT");
    await showsOn(shown, `^C${ERASE_LINE}`);
  });
});

describe("a journal that cannot be used", () => {
  for (const [command, args] of [
    ["import", ["journal", "import"]],
    ["a server", ["server", "--host", "127.0.0.1", "--port", "0", "--capacity", "1000"]],
  ] as const) {
    const refused = async (env: Record<string, string>, by: readonly string[] = []) => {
      const needsProcess = command === "a server" || by.length > 0 || env.HOME !== undefined;
      const { out, err, code } = needsProcess ? await run(args, node(), { env, by }) : await runInOneProcess(args, env);
      expect(out).toBe("");
      expect(err).toStartWith("whereabouts: error: ");
      expect(err.split("\n")).toHaveLength(2);
      const text = err.slice("whereabouts: error: ".length, -1).replace(" (set by WHEREABOUTS_JOURNAL)", "");
      return { text, code };
    };

    testIf(hasProc, NEEDS_PROC)(`${command}: the default folder cannot be created`, async () => {
      const cannot = "the folder /proc/nope does not exist and cannot be created (folders cannot be created in /proc)";
      const unset = { WHEREABOUTS_JOURNAL: "sqlite", STATE_DIRECTORY: "", XDG_STATE_HOME: "" };
      for (const [env, path, why] of [
        [{ HOME: "/proc/nope" }, "/proc/nope/.local/state/whereabouts/registry.db", cannot],
        [{ STATE_DIRECTORY: "/proc/nope" }, "/proc/nope/registry.db", cannot],
        [{ STATE_DIRECTORY: "/proc/version" }, "/proc/version/registry.db", "/proc/version is a file, not a folder"],
      ] as const) {
        const { text, code } = await refused({ ...unset, ...env });
        expect(text).toStartWith(`the journal ${path} cannot be created: ${why}; ${ADVICE}`);
        expect(code).toBe(1);
      }
    });

    test(`${command}: the path is not a regular file, and nothing is created beside it`, async () => {
      using folder = new Folder();
      // A pipe, because a lock file beside /dev/null would outlive a test that fails.
      makePipe(folder.at("pipe"));
      mkdirSync(folder.at("folder"));
      for (const [name, why] of [
        ["folder", "is a folder, not a file"],
        ["missing/", "is a folder, not a file"],
        ["pipe", "is not a regular file"],
      ] as const) {
        expect(await refused({ WHEREABOUTS_JOURNAL: `sqlite:${folder.at(name)}` })).toEqual({
          text: `the journal ${folder.at(name)} ${why}; ${ADVICE}`,
          code: 1,
        });
      }
      expect(readdirSync(folder.path).sort()).toEqual(["folder", "pipe"]);
    });

    testIf(hasProc, NEEDS_PROC)(`${command}: no file can be created in the folder`, async () => {
      expect(await refused({ WHEREABOUTS_JOURNAL: "sqlite:/proc/registry.db" })).toEqual({
        text: `the journal /proc/registry.db cannot be created: files cannot be created in /proc; ${ADVICE}`,
        code: 1,
      });
    });

    testIf(canDropRights, NEEDS_SETPRIV)(`${command}: there is no permission to create the folder`, async () => {
      using folder = new Folder();
      const readOnly = folder.at("read-only");
      mkdirSync(readOnly, { mode: 0o500 });
      const path = `${readOnly}/deeper/registry.db`;
      const why = `the folder ${readOnly}/deeper does not exist and cannot be created (permission denied)`;
      expect(await refused({ WHEREABOUTS_JOURNAL: `sqlite:${path}` }, UNPRIVILEGED)).toEqual({
        text: `the journal ${path} cannot be created: ${why}; ${ADVICE}`,
        code: 1,
      });
    });

    testIf(canDropRights, NEEDS_SETPRIV)(`${command}: there is no permission to create the file`, async () => {
      using folder = new Folder();
      const readOnly = folder.at("read-only");
      mkdirSync(readOnly, { mode: 0o500 });
      const path = `${readOnly}/registry.db`;
      const why = `this user has no permission to write to the folder ${readOnly}`;
      expect(await refused({ WHEREABOUTS_JOURNAL: `sqlite:${path}` }, UNPRIVILEGED)).toEqual({
        text: `the journal ${path} cannot be created: ${why}; ${ADVICE}`,
        code: 1,
      });
    });

    test(`${command}: a database in memory is refused with exit code 2`, async () => {
      expect(await refused({ WHEREABOUTS_JOURNAL: "sqlite::memory:" })).toEqual({
        text: 'WHEREABOUTS_JOURNAL: this SQLite path cannot be used: write "memory" for a journal that keeps nothing',
        code: 2,
      });
    });
  }

  test("a Redis host that does not resolve is one line and exit code 1", async () => {
    for (const command of ["import", "export", "stats"]) {
      const args = ["journal", command, "--journal", "redis://no.such.host.invalid"];
      // Only a process of its own shows that the command ends.
      expect(command === "stats" ? await run(args) : await runInOneProcess(args)).toEqual({
        out: "",
        err: "whereabouts: error: cannot connect to redis://no.such.host.invalid:6379/0: the host name cannot be resolved; check the host in --journal, and the name server\n",
        code: 1,
      });
    }
  });

  test("an empty or missing STATE_DIRECTORY has no journal to read, and is not created", async () => {
    using folder = new Folder();
    for (const directory of [folder.path, folder.at("missing")]) {
      const env = { WHEREABOUTS_JOURNAL: "sqlite", STATE_DIRECTORY: directory };
      expect(await runInOneProcess(["journal", "stats"], env)).toEqual({
        out: "",
        err: `whereabouts: error: there is no journal ${directory}/registry.db: no server has created it yet, or --journal sqlite:PATH must name another file (set by WHEREABOUTS_JOURNAL)\n`,
        code: 1,
      });
    }
    expect(readdirSync(folder.path)).toEqual([]);
  });

  testIf(canDropRights, NEEDS_SETPRIV)("a journal without read permission is not reported as missing", async () => {
    using folder = new Folder();
    const closed = folder.at("closed");
    mkdirSync(closed);
    writeFileSync(`${closed}/registry.db`, "");
    chmodSync(closed, 0);
    const args = ["journal", "export", "--journal", `sqlite:${closed}/registry.db`];
    const { err, code } = await run(args, "", { by: UNPRIVILEGED });
    chmodSync(closed, 0o700);
    expect(err).toBe(`whereabouts: error: the journal ${closed}/registry.db cannot be read: permission denied\n`);
    expect(code).toBe(1);
  });

  test("sqlite:~/PATH is in the home folder", async () => {
    using folder = new Folder();
    const args = ["journal", "import", "--journal", "sqlite:~/deeper/registry.db"];
    const { err, code } = await run(args, node(), { env: { HOME: folder.path } });
    expect({ err, code }).toEqual({ err: "whereabouts: 1 node imported\n", code: 0 });
    expect(existsSync(folder.at("deeper/registry.db"))).toBe(true);
  });
});
