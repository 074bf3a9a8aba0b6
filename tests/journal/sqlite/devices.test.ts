import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { unlinkSync } from "node:fs";
import { DEVICE_RETENTION_MS } from "../../../src/journal/device.ts";
import { Batch, BatchWriter, createJournal, type JournalDevice } from "../../../src/journal/index.ts";
import { ClockRollback } from "../../../src/journal/sqlite/clock-rollback.ts";
import { SqliteFile } from "../../../src/journal/sqlite/file.ts";
import { Clock } from "../../../src/server/clock.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { DeviceProcess } from "../../support/device-process.ts";
import { device, numbered } from "../../support/devices.ts";
import { Folder } from "../../support/folder.ts";
import { ascii } from "../../support/packets.ts";
import { Site, SiteRegistry } from "../../support/registry-site.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ORIGIN = new Uint8Array(8);
const BOOT = { id: "", at: 0 };
const TIME = 1_760_000_000_000;
const HOUR = 3_600_000;

function addNode(writer: BatchWriter, announcedAt: number): void {
  writer.addEntry({ nodeId: ascii("N"), address: new Uint8Array(16), port: 1, announcedAt, confirmed: true });
}

function batchOf(nodes: readonly number[], devices: readonly number[]) {
  const writer = new BatchWriter(ORIGIN);
  for (const at of nodes) addNode(writer, at);
  for (const at of devices) writer.addDevice(device(1, at), 0);
  return writer.seal();
}

/** Opens the journal of a file with a registry of its own. */
async function open(path: string, retentionMs = HOUR) {
  const registry = new SiteRegistry(new Site());
  const options = { prefix: "x", retentionMs, origin: ORIGIN, clock: new Clock() };
  const journal = createJournal({ journal: `sqlite:${path}`, ...options });
  registry.journal = journal;
  await journal.open(registry);
  return { journal, registry, devices: registry.site.devices, [Symbol.asyncDispose]: () => journal.close() };
}

/** The columns of all batches of a file. */
function rows(path: string): { id: number; entries: number; version: number }[] {
  const db = new Database(path, { readonly: true });
  const found = db
    .query<{ id: number; entries: number; data: Uint8Array }, []>("SELECT id, entries, data FROM batch")
    .all();
  db.close();
  return found.map(({ id, entries, data }) => ({ id, entries, version: data[3]! }));
}

describe("devices in a journal in SQLite", () => {
  test("are the same after a restart, also if the file has no nodes", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const now = Date.now();
    const announced: JournalDevice[] = [
      {
        id: new Uint8Array(32).fill(1),
        confirmed: false,
        addresses: [
          { address: "quic://[2001:db8::1]:22000", announcedAt: now - 500 },
          { address: "tcp://192.0.2.1:22000", announcedAt: now - HOUR - 0.25 },
        ],
      },
      device(2, now),
    ];
    {
      await using it = await open(path);
      for (const one of announced) it.devices.merge(one, false);
      await it.registry.append();
      expect(rows(path)).toEqual([{ id: 1, entries: 2, version: 3 }]);
    }
    {
      await using it = await open(path);
      expect(it.devices.all()).toEqual(announced);
      expect(it.registry.nodes).toBe(0);
      // They are in the journal already.
      await it.registry.append();
      expect(rows(path)).toHaveLength(1);
    }
    await using server = await DiscoveryServer.start({
      host: "127.0.0.1",
      port: 0,
      capacity: 10,
      journal: `sqlite:${path}`,
    });
    // Each has a TCP address, so they are nodes of the registry too.
    expect(server.stats()).toMatchObject({ nodes: 2, journal: { restored: 2, devicesRestored: 2, merged: 2, bad: 0 } });
  });

  test("that were appended survive SIGKILL in the middle of further appends", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    for (let round = 1; round <= 3; round++) {
      let appended: number;
      {
        await using server = await DeviceProcess.start(`sqlite:${path}`);
        appended = await server.flood(100 * round);
        await server.kill();
      }
      await using it = await open(path);
      const known = new Set(it.devices.all().map(({ id }) => id.toHex()));
      const missing = Array.from({ length: appended }, (_, i) => numbered(i, 0).id.toHex()).filter(
        (id) => !known.has(id),
      );
      expect(missing).toEqual([]);
      expect(it.journal.bad).toBe(0);
    }
  });

  for (const [what, retention] of [
    ["shorter than theirs", 60_000],
    ["longer than theirs", 24 * HOUR],
  ] as const) {
    test(`are restored for two hours, with a retention of nodes that is ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      const now = Date.now();
      {
        await using it = await open(path, retention);
        for (const [id, age] of [
          [1, DEVICE_RETENTION_MS - 60_000],
          [2, DEVICE_RETENTION_MS + 1],
        ] as const) {
          const writer = new BatchWriter(ORIGIN);
          writer.addDevice(device(id, now - age), 0);
          await it.journal.append(writer.seal());
        }
      }
      await using it = await open(path, retention);
      expect(it.devices.all()).toEqual([device(1, now - DEVICE_RETENTION_MS + 60_000)]);
    });

    test(`stay in the file until they have expired, and nodes as long as before, with a retention that is ${what}`, () => {
      using folder = new Folder();
      const file = new SqliteFile(folder.at("registry.db"));
      file.open(BOOT);
      const store = ({ bytes, count, newest }: ReturnType<typeof batchOf>) => file.append(bytes, count, newest);
      /** Batches that a server with this retention reads at this time, and keeps. */
      const at = (now: number) => {
        const since = now - retention;
        const read = [...file.batches(since)].length;
        file.expire(since);
        return [read, file.info().batches];
      };
      store(batchOf([TIME], []));
      store(batchOf([TIME], [TIME]));
      expect(file.entries).toBe(3);
      expect(at(TIME + retention)).toEqual([2, 2]);
      // The nodes have expired.
      expect(at(TIME + retention + 1)).toEqual([1, 1]);
      expect(at(TIME + DEVICE_RETENTION_MS)).toEqual([1, 1]);
      expect(at(TIME + DEVICE_RETENTION_MS + retention)).toEqual([1, 1]);
      expect(at(TIME + DEVICE_RETENTION_MS + retention + 1)).toEqual([0, 0]);
      expect(file.entries).toBe(0);
      file.close();
    });
  }

  test("count like nodes when the file is rewritten because it is mostly repetition", async () => {
    using folder = new Folder();
    await using it = await open(folder.at("registry.db"));
    let rewrites = 0;
    it.registry.appendAll = async () => void rewrites++;
    const now = Date.now();
    const announced = Array.from({ length: 8000 }, (_, i) => numbered(i, now));
    for (const one of announced) it.devices.merge(one, true);
    const append = async (times: number) => {
      for (; times > 0; times--) {
        const writer = new BatchWriter(ORIGIN);
        for (const one of announced) writer.addDevice(one, 0);
        await it.journal.append(writer.seal());
      }
      return rewrites;
    };
    // More than two announcements per device, and 50,000.
    expect(await append(8)).toBe(0);
    expect(await append(1)).toBe(1);
  });

  test("are written with the nodes when the file is replaced by a new one", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await using it = await open(path);
    it.devices.merge(device(1, Date.now()), false);
    it.registry.site.announce("A", 1);
    await it.registry.append();
    it.devices.merge(device(2, Date.now()), true);
    unlinkSync(path);
    it.registry.site.announce("B", 1);
    expect(await it.registry.append().catch(({ code }) => code)).toBe("moved");
    // The whole registry follows this.
    await it.registry.append();
    while (it.registry.all === 0) await Bun.sleep(5);
    await it.journal.close();
    await using again = await open(path);
    expect(again.devices.all().map(({ id }) => id[0])).toEqual([1, 2]);
    expect(again.registry.nodes).toBe(2);
  });
});

describe("after the clock was set back", () => {
  /** The parts of batches, each with the IDs of its devices and the ages of nodes and devices by the corrected time. */
  function correct(...batches: ReturnType<typeof batchOf>[]): { nodes: number[]; devices: number[] }[] {
    const rollback = new ClockRollback(TIME);
    return batches.flatMap(({ bytes }) =>
      [...rollback.correct(Batch.parse(bytes), 0)].map(([part, shift]) => ({
        nodes: Array.from({ length: part.count }, (_, i) => TIME - part.time(i) - shift),
        devices: Array.from({ length: part.deviceCount }, (_, i) => TIME - part.deviceTime(i) - shift),
      })),
    );
  }

  test("devices from the future are dated before the devices that were appended after them", () => {
    const future = TIME + HOUR;
    expect(correct(batchOf([TIME - 9], [TIME - 7]), batchOf([future - 2], [future - 1, future]))).toEqual([
      { nodes: [9], devices: [] },
      { nodes: [], devices: [7] },
      { nodes: [10], devices: [] },
      { nodes: [], devices: [9, 8] },
    ]);
    const mixed = batchOf([], [TIME - 20, TIME - 8, future]);
    expect(correct(batchOf([], [TIME - 7]), mixed, batchOf([], [future - 1]))).toEqual([
      { nodes: [], devices: [7] },
      { nodes: [], devices: [8] },
      { nodes: [], devices: [20, 8] },
      { nodes: [], devices: [9] },
    ]);
  });

  test("old devices that were appended after nodes, in a file that was rewritten, do not make those nodes older", () => {
    expect(correct(batchOf([], [TIME - 2 * HOUR]), batchOf([TIME + HOUR], []))).toEqual([
      { nodes: [], devices: [2 * HOUR] },
      { nodes: [0], devices: [] },
    ]);
  });
});
