import { describe, expect, test } from "bun:test";
import { DEVICE_RETENTION_MS } from "../../src/journal/device.ts";
import { Batch, BatchWriter, DeviceMap, type JournalDevice, type SealedBatch } from "../../src/journal/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { Journaling } from "../../src/server/journaling.ts";
import { device, numbered } from "../support/devices.ts";
import { ascii } from "../support/packets.ts";
import { collect, names, Site } from "../support/registry-site.ts";

/** IDs of the devices in batches: the first byte of each. */
function ids(batches: readonly Batch[]): number[] {
  return devicesOf(batches).map(({ id }) => id[0]!);
}

function devicesOf(batches: readonly Batch[]): JournalDevice[] {
  return batches.flatMap((batch) => Array.from({ length: batch.deviceCount }, (_, i) => batch.device(i, 0)));
}

function batchOf(...devices: JournalDevice[]): Batch {
  const writer = new BatchWriter(new Uint8Array(8));
  for (const one of devices) writer.addDevice(one, 0);
  return Batch.parse(writer.seal().bytes);
}

describe("the batches of a registry and its devices", () => {
  test("contain each new announcement of a device once, beside the nodes, and are merged by another server", async () => {
    const [here, there] = [new Site(), new Site()];
    here.announce("node", 1);
    const announced = [device(1, Date.now() - 5, "a"), device(2, Date.now(), "b", "c")];
    for (const one of announced) here.devices.merge(one, false);
    let count = 0;
    const news: Batch[] = [];
    count += await here.batches.appendNew(collect(news), () => 0);
    expect(count).toBe(3);
    expect(news.map((batch) => [batch.count, batch.deviceCount])).toEqual([[1, 2]]);
    expect(await here.newEntries()).toEqual([]);
    await there.merge(news);
    expect(names(await there.allEntries())).toEqual(["node 1"]);
    expect(there.devices.all()).toEqual(announced);
    expect(there.batches.mergedDevices).toBe(2);
    // What was merged is not new to the journal.
    expect(await there.newEntries()).toEqual([]);
  });

  test("can have devices only", async () => {
    const [here, there] = [new Site(), new Site()];
    here.devices.merge(device(1, Date.now()), false);
    const news = await here.newEntries();
    expect(news.map((batch) => [batch.count, batch.deviceCount])).toEqual([[0, 1]]);
    await there.merge(news);
    expect(ids(await there.allEntries())).toEqual([1]);
  });

  test("contain a device again after its append failed, and again if the journal lost what was appended", async () => {
    const site = new Site();
    site.announce("a", 1);
    site.devices.merge(device(1, Date.now()), false);
    const failing = site.batches.appendNew(
      async () => {
        site.devices.merge(device(2, Date.now()), false);
        throw new Error("disk full");
      },
      () => 0,
    );
    expect(await failing.catch(({ message }: Error) => message)).toBe("disk full");
    const again = await site.newEntries();
    expect([names(again), ids(again).sort()]).toEqual([["a 1"], [1, 2]]);
    site.devices.merge(device(3, Date.now()), true);
    site.batches.appendAgain();
    const all = await site.newEntries();
    expect([names(all), ids(all).sort()]).toEqual([["a 1"], [1, 2]]);
    expect(await site.newEntries()).toEqual([]);
  });

  test("that were appended before another one fails are not appended again", async () => {
    const site = new Site();
    for (let i = 0; i < 20_000; i++) site.devices.merge(numbered(i, Date.now()), false);
    const appended: Batch[] = [];
    const failing = site.batches.appendNew(
      async (batch) => {
        if (appended.length === 1) throw new Error("disk full");
        await collect(appended)(batch);
      },
      () => 0,
    );
    expect(await failing.catch(({ message }: Error) => message)).toBe("disk full");
    const before = devicesOf(appended);
    const after = devicesOf(await site.newEntries());
    expect(before.length).toBeGreaterThan(8000);
    expect(before.length + after.length).toBe(20_000);
    expect(new Set([...before, ...after].map(({ id }) => id.toHex())).size).toBe(20_000);
  });

  test("come to an end even if devices announce themselves all the time", async () => {
    const site = new Site();
    const announceAll = () => {
      for (let i = 0; i < 9000; i++) site.devices.merge(numbered(i, Date.now()), false);
    };
    announceAll();
    const appended: Batch[] = [];
    const append = async (batch: SealedBatch) => {
      if (appended.length > 5) throw new Error("it does not end");
      await collect(appended)(batch);
      announceAll();
    };
    await site.batches.appendNew(append, () => 0);
    expect(new Set(devicesOf(appended).map(({ id }) => id.toHex())).size).toBe(9000);
    expect(new Set(devicesOf(await site.newEntries()).map(({ id }) => id.toHex())).size).toBe(9000);
  });

  test("of appendAll contain all devices, those of other servers included, in batches that are not too large", async () => {
    const site = new Site();
    site.announce("node", 1);
    for (let i = 0; i < 9000; i++) site.devices.merge(numbered(i, Date.now()), i % 2 === 0);
    const all = await site.allEntries();
    expect(names(all)).toEqual(["node 1"]);
    expect(devicesOf(all)).toEqual(site.devices.all());
    for (const batch of all) expect(batch.total).toBeLessThanOrEqual(8192);
  });

  test("have times from the future dated now, and counted, when they are merged; expired addresses are dropped", async () => {
    const site = new Site();
    const now = Date.now();
    const [old, recent, soon] = [now - DEVICE_RETENTION_MS - 60_000, now - DEVICE_RETENTION_MS + 600_000, now + 500];
    const times = { old, recent, soon, future: now + 3_600_000 };
    const addresses = Object.entries(times).map(([address, announcedAt]) => ({ address, announcedAt }));
    await site.merge([batchOf({ ...device(1, now), addresses }, device(2, old), device(3, now))]);
    expect(site.devices.size).toBe(2);
    const merged = new Map(
      site.devices.all().flatMap((one) => one.addresses.map(({ address, announcedAt }) => [address, announcedAt])),
    );
    expect([merged.get("old"), merged.get("recent"), merged.get("soon")]).toEqual([undefined, recent, soon]);
    // The server's clock may be a little behind the system's.
    expect(merged.get("future")! - now).toBeWithin(-1000, 60_000);
    expect(site.batches.devicesAhead).toBe(1);
  });

  test("convert times between the clocks of the servers and of the journal", async () => {
    const [here, there] = [new Site(), new Site()];
    const announcedAt = Date.now();
    here.devices.merge(device(1, announcedAt), false);
    await there.merge(await here.newEntries(-5000), 2000);
    expect(there.devices.all()).toEqual([device(1, announcedAt - 3000)]);
  });
});

test("a journal of which nodes or devices had no room is not rewritten: both are counted", async () => {
  const site = new Site("wasm", { capacity: 2 });
  const store = Object.assign(new DeviceMap(new Clock()), { noRoom: 3, displaced: 4 });
  const options = { journal: "memory", journalPrefix: "x", retention: 3600 };
  const { memory, engine } = site.harness;
  const journaling = await Journaling.open(options, memory, engine, store, new Clock());
  const writer = new BatchWriter(new Uint8Array(8));
  for (const name of ["A", "B", "C"]) {
    const address = new Uint8Array(16).fill(1);
    writer.addEntry({ nodeId: ascii(name), address, port: 1, announcedAt: Date.now(), confirmed: true });
  }
  writer.addDevice(device(1, Date.now()), 0);
  await journaling.merge(Batch.parse(writer.seal().bytes), 0);
  expect([journaling.nodes, journaling.devices, journaling.noRoom, journaling.displaced]).toEqual([2, 1, 4, 4]);
  expect(journaling.stats()).toMatchObject({ merged: 3, noRoom: 1, devicesNoRoom: 3, devicesRestored: 0 });
  await journaling.stop();
});
