import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { BatchWriter, createJournal, type Journal, type JournalError } from "../../../src/journal/index.ts";
import { defaultSqlitePath } from "../../../src/journal/sqlite/path.ts";
import { Clock } from "../../../src/server/clock.ts";
import { DiscoveryServer, type ServerOptions } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { Folder } from "../../support/folder.ts";
import { asVersion } from "../../support/old-batches.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { Site, SiteRegistry } from "../../support/registry-site.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const HOUR = 3_600_000;

function start(path: string, options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
  return DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 20_000, journal: `sqlite:${path}`, ...options });
}

async function announce(server: DiscoveryServer, names: readonly string[], port = 22000): Promise<void> {
  await using client = await Client.open(server.port);
  const before = server.stats().received;
  for (const [i, name] of names.entries()) {
    client.send(announcement(ascii(name), port));
    // No more than fit in the socket's buffer.
    if (i % 64 === 63) await until(() => server.stats().received > before + i, "the announcements");
  }
  await until(() => server.stats().received >= before + names.length, "the announcements");
}

async function answers(server: DiscoveryServer, name: string, timeout = 2000): Promise<Uint8Array | undefined> {
  await using client = await Client.open(server.port);
  return await client.ask(query(ascii(name)), timeout);
}

/** Opens a journal with a registry of its own. */
async function open(
  path: string,
  retentionMs = HOUR,
  site = new Site(),
): Promise<{ journal: Journal; registry: SiteRegistry } & AsyncDisposable> {
  const clock = new Clock();
  const journal = createJournal({
    journal: `sqlite:${path}`,
    prefix: "x",
    retentionMs,
    origin: new Uint8Array(8),
    clock,
  });
  const registry = new SiteRegistry(site);
  registry.journal = journal;
  await journal.open(registry);
  return { journal, registry, [Symbol.asyncDispose]: () => journal.close() };
}

/** Writes nodes n0 to n(count - 1) to a file, in batches of 100. */
async function fill(path: string, count: number): Promise<void> {
  await using it = await open(path);
  for (let i = 0; i < count; i++) {
    it.registry.site.announce(`n${i}`, i + 1);
    if (i % 100 === 99) await it.registry.append();
  }
  await it.registry.append();
}

/** Counts entries and batches in a file. */
function size(path: string): { entries: number; batches: number } {
  const db = new Database(path, { readonly: true });
  const row = db
    .query<{ entries: number; batches: number }, []>("SELECT total(entries) AS entries, count(*) AS batches FROM batch")
    .get()!;
  db.close();
  return row;
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

/** Makes an own journal unreadable behind its header. */
async function createDamaged(path: string): Promise<void> {
  await fill(path, 100);
  overwrite(path, 100, Buffer.alloc(statSync(path).size - 100, "garbage "));
}

/** The damaged files that were renamed, with those beside them. */
function asides(folder: Folder): string[] {
  return readdirSync(folder.path)
    .filter((name) => name.includes(".damaged-"))
    .sort();
}

function createOther(path: string): void {
  const other = new Database(path);
  other.run("CREATE TABLE other (a)");
  other.close();
}

function databases(folder: Folder): string[] {
  return asides(folder).filter((name) => !/-(wal|shm)$/.test(name));
}

// The tests wait a lot: for each other, for locks, for time to pass.
setDefaultTimeout(TEST_LIMIT_MS);

describe("a server with a journal in SQLite", () => {
  test("knows exactly the same nodes after a restart", async () => {
    using folder = new Folder();
    const path = folder.at("deep/er/registry.db");
    {
      await using server = await start(path);
      await announce(server, ["A", "B"]);
      await announce(server, ["B"], 3);
    }
    await using server = await start(path);
    expect(server.stats()).toMatchObject({ nodes: 2, journal: { restored: 2, where: `sqlite ${path}` } });
    expect(await answers(server, "A")).toEqual(announcement(ascii("A"), 22000, LOOPBACK));
    expect(await answers(server, "B")).toEqual(announcement(ascii("B"), 3, LOOPBACK));
    expect(await answers(server, "C", 100)).toBeUndefined();
  });

  test("keeps the expiry time of a node across a restart", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    let announced = 0;
    {
      await using server = await start(path, { retention: 6 });
      await announce(server, ["A"]);
      announced = performance.now();
      await until(() => server.stats().journal.appended === 1, "the journal");
    }
    await using server = await start(path, { retention: 6 });
    expect(await answers(server, "A")).toBeDefined();
    await Bun.sleep(6000 - (performance.now() - announced) + 20);
    expect(await answers(server, "A", 100)).toBeUndefined();
  });

  test("stores an announcement within a second, without being stopped", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await using server = await start(path);
    await announce(server, ["A"]);
    await until(() => server.stats().journal.appended === 1, "the journal", 1000);
    const site = new Site();
    const journal = createJournal({
      journal: `sqlite:${path}`,
      prefix: "x",
      retentionMs: HOUR,
      origin: new Uint8Array(8),
      clock: new Clock(),
    });
    // Reading does not need the server to stop.
    await journal.read(new SiteRegistry(site));
    await journal.close();
    expect(site.harness.control.nodes).toBe(1);
  });

  test("does not append restored announcements again", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await fill(path, 300);
    await using server = await start(path);
    await announce(server, ["A"]);
    await until(() => server.stats().journal.appended > 0, "the journal");
    expect(server.stats().journal).toMatchObject({ appended: 1, merged: 300, restored: 300, errors: 0, bad: 0 });
  });

  test("refuses to start with a journal that another server uses, and does not disturb that server", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await using server = await start(path);
    const second = start(path);
    expect(second).rejects.toMatchObject({
      name: "ServerError",
      code: "locked",
      message: `the journal ${path} is in use by another server: stop that one, or name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing`,
    });
    await second.catch(() => {});
    await announce(server, ["A"]);
    await until(() => server.stats().journal.appended === 1, "the journal");
    await server.stop();
    await using third = await open(path);
    expect(third.registry.nodes).toBe(1);
  });

  test("waits a moment for a server that is just being stopped", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const first = await start(path);
    const second = start(path);
    await Bun.sleep(300);
    await first.stop();
    await using server = await second;
    expect(server.stats().nodes).toBe(0);
  });

  test("refuses to start with a journal of a newer version, and leaves it unchanged", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await fill(path, 10);
    const db = new Database(path);
    db.run("PRAGMA user_version = 4");
    db.close();
    const before = readFileSync(path);
    const starting = start(path);
    expect(starting).rejects.toMatchObject({
      code: "newer",
      message: expect.stringContaining("written by a newer version"),
    });
    await starting.catch(() => {});
    expect(readFileSync(path)).toEqual(before);
  });

  for (const version of [1, 2] as const) {
    test(`reads a journal of schema ${version}, and makes it one that earlier versions of the program refuse`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await fill(path, 300);
      const db = new Database(path);
      for (const { id, data } of db.query<{ id: number; data: Uint8Array }, []>("SELECT id, data FROM batch").all()) {
        db.query("UPDATE batch SET data = ? WHERE id = ?").run(asVersion(version, data), id);
      }
      if (version === 1) db.run("DROP TABLE clock");
      db.run(`PRAGMA user_version = ${version}`);
      db.close();
      const site = new Site();
      const clock = new Clock();
      const options = { prefix: "x", retentionMs: HOUR, origin: new Uint8Array(8), clock };
      const journal = createJournal({ journal: `sqlite:${path}`, ...options });
      await journal.read(new SiteRegistry(site));
      expect((await journal.storageInfo()).details).toMatchObject({ schema: version });
      await journal.close();
      expect(site.harness.control.nodes).toBe(300);
      {
        await using server = await start(path);
        expect(server.stats()).toMatchObject({ nodes: 300, journal: { bad: 0, errors: 0 } });
        await announce(server, ["A"]);
        await until(() => server.stats().journal.appended === 1, "the journal");
      }
      const upgraded = new Database(path, { readonly: true });
      expect(upgraded.query("PRAGMA user_version").get()).toEqual({ user_version: 3 });
      const batches = upgraded.query<{ data: Uint8Array }, []>("SELECT data FROM batch ORDER BY id").all();
      // Batches that are there already stay as they are.
      expect(batches.map(({ data }) => data[3])).toEqual([version, version, version, 3]);
      upgraded.close();
      await using it = await open(path);
      expect(it.registry.nodes).toBe(301);
      expect(it.journal).toMatchObject({ bad: 0, errors: 0 });
    });
  }

  test("refuses to start with the database of another program, and leaves it unchanged", async () => {
    using folder = new Folder();
    const path = folder.at("other.db");
    const db = new Database(path);
    db.run("CREATE TABLE precious (thing)");
    db.close();
    const before = readFileSync(path);
    const starting = start(path);
    expect(starting).rejects.toMatchObject({ code: "foreign", message: expect.stringContaining("of another program") });
    await starting.catch(() => {});
    expect(readFileSync(path)).toEqual(before);
  });

  for (const [what, path, why] of [
    ["a folder", "/proc", "is a folder, not a file"],
    ["a file in a file", "/proc/version/registry.db", "cannot be created: /proc/version is a file, not a folder"],
    ["a new file in /proc", "/proc/registry.db", "cannot be created: files cannot be created in /proc"],
  ] as const) {
    test(`refuses to start with a path that cannot be a journal: ${what}`, async () => {
      const starting = start(path);
      expect(starting).rejects.toMatchObject({
        code: "unusable",
        message: `the journal ${path} ${why}; name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing`,
      });
      await starting.catch(() => {});
    });
  }

  test("stores what was announced just before it is stopped", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const server = await start(path, { sourceRate: 0, newRate: 0 });
    await announce(
      server,
      Array.from({ length: 5000 }, (_, i) => `n${i}`),
    );
    await server.stop();
    await using again = await open(path);
    expect(again.registry.nodes).toBe(5000);
  });
});

describe("a damaged journal in SQLite", () => {
  const damages: [what: string, spoil: (path: string) => void, least: number][] = [
    ["is unreadable behind its header", (path) => overwrite(path, 100, Buffer.alloc(statSync(path).size, "x")), 0],
    ["has lost its header", (path) => overwrite(path, 0, new Uint8Array(100)), 0],
    ["was truncated", (path) => truncateSync(path, statSync(path).size / 2), 0],
    [
      "has a garbage page in the middle",
      (path) => overwrite(path, (statSync(path).size >> 13) * 4096, new Uint8Array(4096).fill(0x55)),
      1000,
    ],
    [
      "has one flipped bit in a batch",
      (path) => overwrite(path, statSync(path).size - 5000, Uint8Array.of(readFileSync(path).at(-5000)! ^ 1)),
      1000,
    ],
  ];
  for (const [what, spoil, least] of damages) {
    test(`that ${what} is renamed, and exactly its readable nodes are kept`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await fill(path, 2000);
      spoil(path);
      const spoilt = readFileSync(path);
      {
        await using server = await start(path);
        const { nodes } = server.stats();
        expect(nodes).toBeWithin(least, 2000);
        // Before the server is ready, all nodes are in the new file, so a kill cannot lose them.
        expect(size(path).entries).toBe(nodes);
        expect(databases(folder)).toHaveLength(1);
        expect(readFileSync(folder.at(databases(folder)[0]!))).toEqual(spoilt);
        await announce(server, ["new"]);
        await until(() => server.stats().journal.appended === 1, "the journal");
      }
      await using it = await open(path);
      expect(it.registry.nodes).toBeWithin(least + 1, 2001);
      expect(it.registry.site.reply("new")).toBeDefined();
      expect(databases(folder)).toHaveLength(1);
      // No remaining node has got the port of another.
      for (const i of [0, 5, 500, 1500, 1999]) {
        const reply = it.registry.site.reply(`n${i}`);
        if (reply) expect(reply).toBe(announcement(ascii(`n${i}`), i + 1, Uint8Array.of(192, 0, 2, 1)).toHex());
      }
    });
  }

  test("is renamed together with its -wal and -shm, the second time to another name", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    for (let time = 0; time < 2; time++) {
      await createDamaged(path);
      for (const end of ["-wal", "-shm"]) writeFileSync(path + end, "garbage ".repeat(1000));
      await using it = await open(path);
      expect(it.registry.all).toBe(1);
    }
    const names = asides(folder);
    expect(names.filter((name) => name.endsWith("-wal"))).toHaveLength(2);
    expect(databases(folder)).toHaveLength(2);
  });

  test("that cannot be renamed does not keep the server from serving; renaming is retried", async () => {
    using folder = new Folder();
    // The name is so long that ".damaged-…" does not fit.
    const path = folder.at("r".repeat(245));
    await createDamaged(path);
    const spoilt = readFileSync(path);
    await using server = await start(path);
    await announce(server, ["A"]);
    expect(await answers(server, "A")).toBeDefined();
    await until(() => server.stats().journal.errors > 2, "another try");
    expect(server.stats().journal.appended).toBe(0);
    expect(readFileSync(path)).toEqual(spoilt);
  });

  test("that was damaged while the server ran is renamed, and a new file gets all known nodes", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await fill(path, 2000);
    await using it = await open(path);
    // SQLite drops its cached pages after another connection has written to the file.
    const db = new Database(path);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const pages = statSync(path).size / 4096;
    db.close();
    overwrite(path, 4096, new Uint8Array((pages - 1) * 4096).fill(0x55));
    it.registry.site.announce("new", 1);
    let failure: JournalError | undefined;
    for (let i = 0; i < 50 && it.registry.all === 0; i++) {
      it.registry.site.announce(`more${i}`, 1);
      await it.registry.append().catch((error: JournalError) => {
        failure = error;
      });
    }
    expect(failure).toMatchObject({ code: "damaged" });
    expect(it.journal.errors).toBeGreaterThan(0);
    expect(asides(folder)[0]).toContain(".damaged-");
    await until(() => it.registry.all === 1, "a new file");
    await it.registry.append();
    const known = it.registry.nodes;
    await it.journal.close();
    await using again = await open(path);
    expect(again.registry.nodes).toBe(known);
  });
});

describe("an SQLite journal that was removed or replaced", () => {
  for (const [what, take] of [
    ["removed with all files beside it", (at: string) => ["", "-wal", "-shm"].map((end) => rmSync(at + end))],
    ["removed", (at: string) => rmSync(at)],
    ["replaced by an empty file", (at: string) => writeFileSync(`${at}.new`, "") ?? renameSync(`${at}.new`, at)],
  ] as const) {
    test(`is created again with all known nodes: ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await fill(path, 1000);
      {
        await using server = await start(path);
        await announce(server, ["A"]);
        await until(() => server.stats().journal.appended === 1, "the journal");
        take(path);
        await announce(server, ["B"]);
        await until(() => server.stats().journal.appended === 2, "the journal");
        expect(server.stats().journal.errors).toBeWithin(1, 4);
        const second = open(path);
        expect(second).rejects.toMatchObject({ code: "locked" });
        await second.catch(() => {});
      }
      await using it = await open(path);
      expect(it.registry.nodes).toBe(1002);
      expect(it.journal).toMatchObject({ bad: 0, errors: 0 });
    });
  }

  for (const [what, make] of [
    ["a text", (at: string) => writeFileSync(at, "notes\n".repeat(1000))],
    ["another program's database", createOther],
  ] as const)
    test(`is created again once the file in its place is gone, which stays as it is: ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await fill(path, 100);
      await using it = await open(path);
      make(folder.at("other"));
      const before = readFileSync(folder.at("other"));
      renameSync(folder.at("other"), path);
      const append = async (name: string) => {
        it.registry.site.announce(name, 1);
        return await it.registry.append().catch(({ code }: JournalError) => code);
      };
      expect([await append("A"), await append("B"), await append("C")]).toEqual(["moved", "foreign", "foreign"]);
      expect(readFileSync(path)).toEqual(before);
      expect(databases(folder)).toEqual([]);
      renameSync(path, folder.at("other"));
      await append("D");
      await until(() => it.registry.all === 1, "a new file");
      await it.journal.close();
      await using again = await open(path);
      expect(again.registry.nodes).toBe(104);
    });

  for (const [when, errors] of [
    ["before it notices", 0],
    ["as soon as it notices", 1],
  ] as const) {
    test(`is created again with all known nodes even if the server is stopped ${when}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await fill(path, 1000);
      {
        await using server = await start(path);
        rmSync(path);
        await announce(server, ["A"]);
        await until(() => server.stats().journal.errors >= errors, "the journal to be missed");
      }
      await using it = await open(path);
      expect(it.registry.nodes).toBe(1001);
    });
  }

  test("is not mixed with the -wal that is left of it, which is renamed", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    let left = new Uint8Array();
    {
      await using it = await open(path);
      it.registry.site.announce("A", 1);
      await it.registry.append();
      left = new Uint8Array(readFileSync(`${path}-wal`));
    }
    rmSync(path);
    writeFileSync(`${path}-wal`, left);
    await using it = await open(path);
    expect(it.registry.nodes).toBe(0);
    expect(asides(folder)).toHaveLength(1);
    expect(new Uint8Array(readFileSync(folder.at(asides(folder)[0]!)))).toEqual(left);
  });

  test("is the same journal when opened through a symbolic link", async () => {
    using folder = new Folder();
    const [path, link] = [folder.at("registry.db"), folder.at("link.db")];
    await fill(path, 100);
    symlinkSync("registry.db", link);
    await using server = await start(link);
    expect(server.stats().nodes).toBe(100);
    const second = open(path);
    expect(second).rejects.toMatchObject({ code: "locked" });
    await second.catch(() => {});
  });
});

describe("the log in an SQLite journal", () => {
  test("loses expired batches and keeps the rest", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    {
      await using it = await open(path, 1000);
      for (let i = 0; i < 10; i++) {
        it.registry.site.announce(`old${i}`, 1);
        await it.registry.append();
      }
      await Bun.sleep(1050);
      it.registry.site.announce("new", 1);
      await it.registry.append();
      expect(size(path)).toEqual({ entries: 1, batches: 1 });
    }
    await using it = await open(path, 1000);
    expect(it.registry.nodes).toBe(1);
  });

  test("is rewritten when repeated announcements make it grow, without losing a node", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    let rewritten = 0;
    {
      await using it = await open(path);
      for (let i = 0; i < 30; i++) it.registry.site.announce(`idle${i}`, 7);
      for (let round = 0; round < 30; round++) {
        for (let i = 0; i < 4000; i++) it.registry.site.announce(`busy${i}`, 1 + round);
        await it.registry.append();
      }
      rewritten = it.registry.all;
      // Waits until the old part of the log is deleted.
      await it.journal.storageInfo();
    }
    expect(rewritten).toBeWithin(1, 4);
    expect(size(path).entries).toBeLessThan(70_000);
    await using it = await open(path);
    expect(it.registry.nodes).toBe(4030);
    expect(it.registry.site.reply("idle7")).toContain("00070000");
    expect(it.registry.site.reply("busy7")).toContain("001e0000");
  });

  test("is not reopened by an append that is under way when it is closed", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const it = await open(path);
    it.registry.site.announce("A", 1);
    const appending = it.registry.site.batches.appendAll(
      async (batch) => {
        await it.journal.close();
        await it.journal.append(batch);
      },
      () => 0,
    );
    expect(await appending.catch(({ code }) => code)).toBe("closed");
    await it.journal.close();
    await using other = await open(path);
    expect(other.registry.nodes).toBe(0);
  });

  /** Appends batches of [name, port, minutes from now] to a file. */
  async function write(path: string, ...batches: [name: string, port: number, minutes: number][][]): Promise<void> {
    const journal = createJournal({
      journal: `sqlite:${path}`,
      prefix: "x",
      retentionMs: HOUR,
      origin: new Uint8Array(8),
      clock: new Clock(),
    });
    await journal.prepare();
    const writer = new BatchWriter(new Uint8Array(8));
    const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);
    for (const batch of batches) {
      for (const [name, port, minutes] of batch) {
        const announcedAt = Date.now() + minutes * 60_000;
        writer.addEntry({ nodeId: ascii(name), address, port, announcedAt, confirmed: true });
      }
      await journal.append(writer.seal());
    }
    await journal.close();
  }

  test("keeps the later announcement of a node even if the clock was set back between the two", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await write(path, [["moved", 9, 110]], [["moved", 2, 120]], [["stays", 3, 120]]);
    await using it = await open(path);
    expect(it.registry.nodes).toBe(2);
    expect(it.registry.site.reply("moved")).toContain("00020000");
    const [all] = await it.registry.site.allEntries();
    const ages = [0, 1].map((i) => Date.now() - all!.time(i));
    for (const age of ages) expect(age).toBeWithin(0, 30_000);
  });

  test("expires announcements from before the clock was set back earlier than those made afterwards", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const year = 525_600;
    await write(
      path,
      [
        ["gone", 1, year],
        ["moved", 1, year],
      ],
      [
        ["moved", 2, -40],
        ["first", 4, -50],
      ],
      [["last", 3, -1]],
    );
    {
      await using it = await open(path);
      expect(it.registry.site.reply("moved")).toContain("00020000");
      const [all] = await it.registry.site.allEntries();
      expect(all!.count).toBe(4);
      expect(Date.now() - all!.time(0)).toBeWithin(50 * 60_000, 51 * 60_000);
    }
    // Not dated anew at each start.
    await using it = await open(path, 45 * 60_000, new Site("wasm", { retentionMs: 45 * 60_000 }));
    expect(it.registry.site.reply("gone")).toBeUndefined();
    expect(it.registry.nodes).toBe(2);
  });

  test("loses nothing of a batch of which only some announcements are from the future", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await write(
      path,
      [
        ["before", 1, -2],
        ["wrong", 2, 600],
      ],
      [["after", 3, -1]],
    );
    await using it = await open(path);
    expect(it.registry.nodes).toBe(3);
  });

  test("keeps nodes that a server with a smaller capacity has no room for, until a larger one reads them", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await fill(path, 2000);
    {
      await using it = await open(path, HOUR, new Site("wasm", { capacity: 100, shards: 1 }));
      // Enough for the log to be rewritten twice.
      for (let round = 0; round < 1100; round++) {
        for (let i = 0; i < 100; i++) it.registry.site.announce(`n${1900 + i}`, 1 + round);
        await it.registry.append();
      }
      expect(it.registry.all).toBeWithin(1, 4);
      await it.journal.storageInfo();
    }
    expect(size(path).entries).toBeLessThan(70_000);
    await using it = await open(path);
    expect(it.registry.nodes).toBe(2000);
    expect(it.registry.site.reply("n1900")).toContain((1100).toString(16));
  });

  test("is rewritten once, not with each append, if a copy with nodes that do not fit takes its place", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    {
      await using it = await open(path);
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 9000; i++) it.registry.site.announce(`a longer NodeID: ${i}`, 1);
        await it.registry.append();
      }
    }
    await using it = await open(path, HOUR, new Site("wasm", { maxIdLength: 16 }));
    expect(it.registry.noRoom).toBe(54_000);
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    for (let i = 0; i < 8; i++) {
      it.registry.site.announce(`n${i}`, 1);
      await it.registry.append().catch(() => {});
      await Bun.sleep(20);
    }
    expect(it.registry.all).toBe(1);
  });

  test("restores the latest announcements if the registry is too small for all", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await fill(path, 1000);
    await using it = await open(path, HOUR, new Site("wasm", { capacity: 100, shards: 1 }));
    expect(it.registry.nodes).toBe(100);
    for (const i of [900, 999]) expect(it.registry.site.reply(`n${i}`)).toBeDefined();
    expect(it.registry.site.reply("n0")).toBeUndefined();
  });
});

test("the default path is in the state folder of systemd or of the user", () => {
  const home = defaultSqlitePath({});
  expect(home).toEndWith("/.local/state/whereabouts/registry.db");
  expect(defaultSqlitePath({ XDG_STATE_HOME: "/state" })).toBe("/state/whereabouts/registry.db");
  expect(defaultSqlitePath({ XDG_STATE_HOME: "relative" })).toBe(home);
  expect(defaultSqlitePath({ STATE_DIRECTORY: "/var/lib/whereabouts", XDG_STATE_HOME: "/state" })).toBe(
    "/var/lib/whereabouts/registry.db",
  );
  expect(defaultSqlitePath({ STATE_DIRECTORY: "/var/lib/a:/var/lib/b" })).toBe("/var/lib/a/registry.db");
});

test("a DiscoveryServer without the option journal keeps nothing", async () => {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
  expect(server.options.journal).toBe("memory");
  expect(server.stats().journal).toMatchObject({ where: "memory", restored: 0, appended: 0, lag: 0 });
});

test("an invalid journal is refused without quoting its URL, which may contain a password", async () => {
  for (const journal of [
    "redis://:secret@",
    "redis://:sec%ret@h",
    "redis://secret@h",
    "redis://:secret@h/x",
    "redis://u:secret@h?x",
    "http://secret",
    "sqlite:",
    "",
    "postgres://:secret@h",
  ]) {
    const starting = DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10, journal });
    expect(starting).rejects.toThrow(RangeError);
    expect(await starting.catch((error: Error) => error.message)).toMatch(/^journal(?!.*secret)/);
  }
  expect(DiscoveryServer.start({ journal: 5 as unknown as string })).rejects.toThrow(TypeError);
  expect(DiscoveryServer.start({ journal: "memory", journalPrefix: "two words" })).rejects.toThrow(
    "journalPrefix must be",
  );
  expect(existsSync("sqlite:")).toBe(false);
});
