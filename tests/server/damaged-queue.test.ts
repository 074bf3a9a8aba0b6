import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { ENTRY_NEXT, H_ENTRIES_AT, H_SHARDS_AT, H_STRIDE, SHARD_HEAD, SHARD_TAIL } from "../../assembly/layout.ts";
import { Exchange } from "../../src/engine/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { ServerError } from "../../src/server/index.ts";
import { Journaling } from "../../src/server/journaling.ts";
import { RegistryDamagedError } from "../../src/server/listing-bound.ts";
import { Folder } from "../support/folder.ts";
import { ascii } from "../support/packets.ts";
import { Site } from "../support/registry-site.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const NODES = 2000;
/** What may be written before the circle is noticed: the entries that one shard has room for, and a margin. */
const MOST = 60_000;

/** Links the end of the only shard's queue to its beginning. */
function closeCircle({ harness: { u32 } }: Site): void {
  const shard = u32[H_SHARDS_AT >>> 2]!;
  const tail = u32[H_ENTRIES_AT >>> 2]! + u32[(shard + SHARD_TAIL) >>> 2]! * u32[H_STRIDE >>> 2]!;
  u32[(tail + ENTRY_NEXT) >>> 2] = u32[(shard + SHARD_HEAD) >>> 2]!;
}

for (const backend of ["wasm", "ts"] as const) {
  describe(`a registry whose queue is a circle (${backend} engine)`, () => {
    for (const list of ["appendNew", "appendAll"] as const) {
      test(`is not listed for ever: ${list}`, async () => {
        const site = new Site(backend, { shards: 1 });
        for (let i = 0; i < NODES; i++) site.announce(`n${i}`, 1);
        closeCircle(site);
        let written = 0;
        const listing = site.batches[list](
          async ({ count }) => {
            written += count;
          },
          () => 0,
        );
        expect(await listing.then(String, (error) => error)).toBeInstanceOf(RegistryDamagedError);
        expect(written).toBeLessThan(MOST);
      });
    }

    test("is not listed for ever if it has nothing to append", async () => {
      const [from, site] = [new Site(backend), new Site(backend, { shards: 1 })];
      for (let i = 0; i < NODES; i++) from.announce(`n${i}`, 1);
      await site.merge(await from.newEntries());
      closeCircle(site);
      expect(await site.newEntries().then(String, (error) => error)).toBeInstanceOf(RegistryDamagedError);
    });
  });
}

test("a registry whose nodes announce themselves faster than the journal takes them does not count as damaged", async () => {
  const site = new Site("wasm", { shards: 1 });
  const announceAll = () => {
    for (let i = 0; i < 9000; i++) site.announce(`n${i}`, 1);
  };
  announceAll();
  let [written, rounds] = [0, 10];
  await site.batches.appendNew(
    async ({ count }) => {
      written += count;
      if (rounds-- > 0) announceAll();
    },
    () => 0,
  );
  expect(written).toBeGreaterThan(MOST);
});

test("a registry does not count as damaged while devices are merged, which move in the queue without being written", async () => {
  const site = new Site("wasm", { shards: 1 });
  const { harness } = site;
  const announceAll = () => {
    for (let i = 0; i < 9000; i++) site.announce(`n${i}`, 1);
  };
  let time = 0;
  const mergeDevices = () => {
    time = Math.max(Date.now(), time + 1);
    for (let i = 0; i < 11_000; ) {
      let count = 0;
      for (; count < Exchange.CAPACITY && i < 11_000; i++, count++) {
        harness.put(count, {
          ...{ nodeId: ascii(`device-${i}`), address: "192.0.2.1", port: 1, time },
          ...{ confirmed: true, authenticated: true },
        });
      }
      expect(harness.merge(count)).toBe(count);
    }
  };
  announceAll();
  let [written, rounds] = [0, 10];
  await site.batches.appendNew(
    async ({ count }) => {
      written += count;
      if (rounds-- > 0) {
        mergeDevices();
        announceAll();
      }
    },
    () => 0,
  );
  // No device is written, and of the nodes at least a batch in each round.
  expect(written).toBeWithin(11 * 8192, 11 * 9000 + 1);
});

test(
  "a server whose registry is found damaged stops writing it to the journal, and ends",
  async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const site = new Site("wasm", { shards: 1 });
    const { memory, engine } = site.harness;
    const options = { journal: `sqlite:${path}`, journalPrefix: "x", retention: 3600 };
    const journaling = await Journaling.open(options, memory, engine, site.devices, new Clock());
    for (let i = 0; i < NODES; i++) site.announce(`n${i}`, 1);
    closeCircle(site);
    const failure = await journaling.damage.catch((error: Error) => error);
    expect(failure).toBeInstanceOf(ServerError);
    expect(failure.message).toBe("the registry is damaged: the queue of shard 0 does not end");
    await Bun.sleep(1000);
    await journaling.stop();
    const db = new Database(path, { readonly: true });
    const { entries } = db.query<{ entries: number }, []>("SELECT total(entries) AS entries FROM batch").get()!;
    db.close();
    // The journal may have begun to rewrite the file meanwhile.
    expect(entries).toBeLessThan(2 * MOST);
  },
  TEST_LIMIT_MS,
);
