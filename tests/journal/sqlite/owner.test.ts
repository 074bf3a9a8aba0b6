import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createJournal, type JournalError } from "../../../src/journal/index.ts";
import { SqliteFile } from "../../../src/journal/sqlite/file.ts";
import { lockFile } from "../../../src/journal/sqlite/lock.ts";
import { sizeOf } from "../../../src/journal/sqlite/path.ts";
import { Clock } from "../../../src/server/clock.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { OutputLines, run, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { Site, SiteRegistry } from "../../support/registry-site.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

const RETENTION = 3_600_000;

function journalAt(path: string) {
  const options = { prefix: "x", retentionMs: RETENTION, origin: new Uint8Array(8), clock: new Clock() };
  return createJournal({ journal: `sqlite:${path}`, ...options });
}

async function startServer(path: string): Promise<DiscoveryServer> {
  return await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 100, journal: `sqlite:${path}` });
}

/** Writes an own journal with one node, properly closed. */
async function createOwn(path: string): Promise<void> {
  const registry = new SiteRegistry(new Site());
  registry.journal = journalAt(path);
  await registry.journal.open(registry);
  registry.site.announce("A", 1);
  await registry.append();
  await registry.journal.close();
}

function createDatabase(path: string, ...statements: string[]): void {
  const db = new Database(path);
  for (const statement of statements) db.run(statement);
  db.close();
}

/** The file and all files beside it, with their contents and times. */
function snapshot(folder: Folder): unknown {
  return readdirSync(folder.path)
    .sort()
    .map((name) => [name, statSync(folder.at(name)).mtimeMs, readFileSync(folder.at(name)).toString("base64")]);
}

async function failure(promise: Promise<unknown>): Promise<Partial<JournalError>> {
  return await promise.then(
    () => ({ message: "it did not fail" }),
    ({ code, message }) => ({ code, message }),
  );
}

const NOT_A_DATABASE = "is not a journal, and not an SQLite database at all";
const OTHER = "is a database of another program";

setDefaultTimeout(TEST_LIMIT_MS);

describe("a file that is no journal of this program", () => {
  const files: [what: string, make: (path: string) => void | Promise<void>, why: string][] = [
    ["a short text", (path) => writeFileSync(path, "buy milk\n"), NOT_A_DATABASE],
    ["a long text", (path) => writeFileSync(path, "once upon a time\n".repeat(10_000)), NOT_A_DATABASE],
    ["zeros", (path) => writeFileSync(path, new Uint8Array(8192)), NOT_A_DATABASE],
    [
      "a text with our application id in its place",
      (path) => writeFileSync(path, `${"x".repeat(68)}WHERE a = 1`),
      NOT_A_DATABASE,
    ],
    [
      "SQL that would create a journal",
      (path) => writeFileSync(path, `CREATE TABLE batch (id INTEGER PRIMARY KEY, newest REAL NOT NULL);\n`.repeat(200)),
      NOT_A_DATABASE,
    ],
    ["another program's database", (path) => createDatabase(path, "CREATE TABLE notes (a)"), OTHER],
    [
      "another program's database with a WAL",
      (path) => createDatabase(path, "PRAGMA journal_mode = WAL", "CREATE TABLE notes (a)"),
      OTHER,
    ],
    [
      "a damaged database of another program",
      (path) => {
        createDatabase(path, "CREATE TABLE notes (a)", "INSERT INTO notes VALUES (hex(randomblob(9000)))");
        truncateSync(path, 5000);
      },
      OTHER,
    ],
    [
      "a journal whose application id was changed",
      async (path) => {
        await createOwn(path);
        createDatabase(path, "PRAGMA application_id = 1");
      },
      OTHER,
    ],
    ["the beginning of a database", (path) => writeFileSync(path, "SQLite format 3\0"), OTHER],
  ];
  for (const [what, make, why] of files) {
    test(`is left alone by the server and the tools: ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("notes.txt");
      await make(path);
      utimesSync(path, 1_700_000_000, 1_700_000_000);
      const before = snapshot(folder);
      const advice =
        "name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing";
      const expected = { code: "foreign", message: `${path} ${why}; ${advice}` } as const;
      expect(await failure(startServer(path))).toEqual(expected);
      for (const use of ["prepare", "read"] as const) {
        const journal = journalAt(path);
        const using = use === "prepare" ? journal.prepare() : journal.read(new SiteRegistry(new Site()));
        expect(await failure(using)).toEqual(expected);
        await journal.close();
      }
      expect(snapshot(folder)).toEqual(before);
    });
  }

  test("gets one line from each command, and exit code 1", async () => {
    using folder = new Folder();
    const path = folder.at("notes.txt");
    writeFileSync(path, "buy milk\n");
    const before = snapshot(folder);
    for (const args of [
      ["server", "--port", "0"],
      ["journal", "stats"],
      ["journal", "export"],
      ["journal", "import"],
    ]) {
      const { out, err, code } = await run([...args, "--journal", `sqlite:${path}`]);
      expect({ out, code }).toEqual({ out: "", code: 1 });
      expect(err).toStartWith(`whereabouts: error: ${path} ${NOT_A_DATABASE}; name another file`);
      expect(err.trim().split("\n")).toHaveLength(1);
    }
    expect(snapshot(folder)).toEqual(before);
  });

  for (const suffix of ["-wal", "-shm", "-journal"]) {
    test(`is not overwritten if it is beside the journal and has a name that SQLite uses: ${suffix}`, async () => {
      using folder = new Folder();
      const path = folder.at("notes");
      writeFileSync(path + suffix, "buy milk\n");
      const before = snapshot(folder);
      expect(await failure(startServer(path))).toMatchObject({
        code: "foreign",
        message: expect.stringContaining(`SQLite would overwrite the file ${path}${suffix}, which is not its own`),
      });
      expect(snapshot(folder)).toEqual(before);
    });
  }

  test("is neither renamed nor written to if its content was put into the open journal, not even when that is closed", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await createOwn(path);
    createDatabase(folder.at("other"), "CREATE TABLE notes (a)", "INSERT INTO notes VALUES (hex(randomblob(9000)))");
    const other = readFileSync(folder.at("other"));
    const registry = new SiteRegistry(new Site());
    registry.journal = journalAt(path);
    await registry.journal.open(registry);
    registry.site.announce("B", 1);
    await registry.append();
    writeFileSync(path, other);
    for (const name of ["C", "D"]) {
      registry.site.announce(name, 1);
      expect(await failure(registry.append())).toMatchObject({ code: "foreign" });
    }
    expect(registry.journal.errors).toBeGreaterThan(1);
    await registry.journal.close();
    expect(readFileSync(path)).toEqual(other);
    expect(readdirSync(folder.path).filter((name) => name.includes("damaged"))).toEqual([]);
  });
});

test("an empty file, and a database without anything in it, can become a journal", async () => {
  for (const make of [
    (path: string) => writeFileSync(path, ""),
    (path: string) =>
      createDatabase(path, "PRAGMA auto_vacuum = INCREMENTAL", "CREATE TABLE t (a)", "DROP TABLE t", "VACUUM"),
  ]) {
    using folder = new Folder();
    const path = folder.at("registry.db");
    make(path);
    await createOwn(path);
    const site = new Site();
    const journal = journalAt(path);
    await journal.read(new SiteRegistry(site));
    await journal.close();
    expect(site.harness.control.nodes).toBe(1);
  }
});

test("only the user who runs the server can read a journal and the files beside it", async () => {
  using folder = new Folder();
  const path = folder.at("registry.db");
  await using server = await startServer(path);
  const names = readdirSync(folder.path).sort();
  expect(names).toEqual(["registry.db", "registry.db-shm", "registry.db-wal"]);
  for (const name of names) expect((statSync(folder.at(name)).mode & 0o777).toString(8)).toBe("600");
  await server.stop();
  expect(readdirSync(folder.path)).toEqual(["registry.db"]);
});

describe("the lock of a journal", () => {
  test("is on the file: a second server is refused under any of its names, and tools can read it", async () => {
    using folder = new Folder();
    using elsewhere = new Folder();
    const [path, link] = [folder.at("registry.db"), elsewhere.at("hard-link.db")];
    await createOwn(path);
    linkSync(path, link);
    await using server = await startServer(path);
    for (const name of [link, path]) expect(await failure(startServer(name))).toMatchObject({ code: "locked" });
    const { code, err } = await run(["server", "--port", "0", "--journal", `sqlite:${link}`]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("is in use by another server") });
    expect(await run(["journal", "stats", "--json", "--journal", `sqlite:${path}`])).toMatchObject({
      code: 0,
      err: "",
    });
    // None of them has taken the lock away from the server, or SQLite's own locks.
    expect(await failure(startServer(link))).toMatchObject({ code: "locked" });
    await server.stop();
    await using next = await startServer(link);
    expect(next.stats().nodes).toBe(1);
  });

  test("is on the new file as well if the journal was removed while the server ran", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const registry = new SiteRegistry(new Site());
    registry.journal = journalAt(path);
    await registry.journal.open(registry);
    rmSync(path);
    registry.site.announce("A", 1);
    await failure(registry.append());
    await until(() => registry.all === 1 || registry.journal!.errors > 0, "the new file");
    await registry.append();
    expect(await failure(startServer(path))).toMatchObject({ code: "locked" });
    await registry.journal.close();
  });

  test("is a lock file where files cannot be locked: it is taken once, and a file of something else stays", () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const lock = lockFile(path);
    expect(() => lockFile(path)).toThrow("is in use by another server");
    lock.release();
    lockFile(path).release();
    writeFileSync(`${path}.lock`, "buy milk\n".repeat(500));
    expect(() => lockFile(path)).toThrow(`its lock file ${path}.lock belongs to something else, or is damaged`);
    expect(readFileSync(`${path}.lock`, "utf8")).toStartWith("buy milk");
  });
});

describe("a path that cannot be a journal", () => {
  for (const [journal, why] of [
    ["sqlite::memory:", 'write "memory" for a journal that keeps nothing'],
    ["sqlite::memory:?cache=shared", 'write "memory" for a journal that keeps nothing'],
    ["sqlite:file::memory:", "write the path without file:"],
    ["sqlite:file:/tmp/registry.db?mode=memory", "write the path without file:"],
    ["sqlite:FILE:registry.db", "write the path without file:"],
    ["sqlite:~", "only ~/ at its beginning means the home folder"],
    ["sqlite:~someone/registry.db", "only ~/ at its beginning means the home folder"],
    ["sqlite:a\0b", "it must not contain the character 0"],
    ["sqlite:", "journal must be memory, sqlite, sqlite:PATH"],
    ["sqlite: ", "it is blank"],
  ] as const) {
    test(`is refused, and nothing is created: ${JSON.stringify(journal)}`, async () => {
      const before = readdirSync(".");
      const starting = DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10, journal });
      expect(await failure(starting)).toMatchObject({ message: expect.stringContaining(why) });
      expect(starting).rejects.toBeInstanceOf(RangeError);
      await starting.catch(() => {});
      expect(readdirSync(".")).toEqual(before);
    });
  }

  test("is refused without a lock file beside it if it is no regular file", async () => {
    using folder = new Folder();
    const pipe = folder.at("pipe");
    Bun.spawnSync(["mkfifo", pipe]);
    expect(await failure(startServer(pipe))).toMatchObject({ code: "unusable" });
    expect(readdirSync(folder.path)).toEqual(["pipe"]);
    appendFileSync(folder.at("plain"), "");
    expect(await failure(startServer(`${folder.at("plain")}/registry.db`))).toMatchObject({ code: "unusable" });
    expect(await failure(startServer(folder.at("missing/")))).toMatchObject({ code: "unusable" });
    expect(readdirSync(folder.path).sort()).toEqual(["pipe", "plain"]);
  });
});

describe("a text that is written into the file of a running server", () => {
  const text = "a note\n".repeat(30_000);

  test("is left as it is when the server stops and its process ends", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const child = start(["server", "--host", "127.0.0.1", "--port", "0", "--journal", `sqlite:${path}`]);
    const out = new OutputLines(child.stdout);
    const port = Number(/:(\d+): /.exec(await out.next(/listens on/))![1]);
    await using client = await Client.open(port);
    for (let i = 0; i < 100; i++) client.send(announcement(ascii(`N${i}`), 1));
    await until(() => sizeOf(`${path}-wal`) > 0, "an append");
    await Bun.sleep(500);
    writeFileSync(path, text);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("is left as it is by the clean-up", () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const file = new SqliteFile(path);
    const boot = { id: "x", at: 0 };
    file.open(boot);
    for (let i = 0; i < 75; i++) file.append(new Uint8Array(40_000), 1, Date.now());
    writeFileSync(path, text);
    for (const work of [
      () => file.expire(Number.MAX_SAFE_INTEGER),
      () => file.dropUpTo(100),
      () => file.shrink(),
      () => file.beginTimeline(boot),
    ]) {
      expect(work).toThrow("is not a journal");
    }
    file.close();
    expect(readFileSync(path, "utf8")).toBe(text);
  });
});

test("an earlier version that runs, and locks only the file beside the journal, keeps this one from starting", async () => {
  using folder = new Folder();
  const path = folder.at("registry.db");
  await createOwn(path);
  const earlier = lockFile(path);
  await expect(startServer(path)).rejects.toThrow("is in use by another server");
  earlier.release();
  await using server = await startServer(path);
  expect(server.stats().nodes).toBe(1);
});
