import { describe, expect, test } from "bun:test";
import { type Batch, BatchWriter, Batch as Parsed } from "../../src/journal/index.ts";
import { checkInvariants } from "../support/invariants.ts";
import { ascii } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { collect, names, Site } from "../support/registry-site.ts";

const RETENTION = 3_600_000;

function batchOf(...entries: [name: string, port: number, announcedAt: number][]): Batch {
  const writer = new BatchWriter(new Uint8Array(8));
  const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 9);
  for (const [name, port, announcedAt] of entries) {
    writer.addEntry({ nodeId: ascii(name), address, port, announcedAt, confirmed: true });
  }
  return Parsed.parse(writer.seal().bytes);
}

for (const backend of ["wasm", "ts"] as const) {
  describe(`the batches of a registry (${backend} engine)`, () => {
    test("contain each new announcement once; a registry that merges them gives the same answers", async () => {
      const [here, there] = [new Site(backend), new Site(backend)];
      for (let i = 0; i < 3000; i++) here.announce(`n${i}`, i + 1, i % 2 ? "192.0.2.1" : "2001:db8::1");
      const news = await here.newEntries();
      expect(names(news).sort()).toEqual(Array.from({ length: 3000 }, (_, i) => `n${i} ${i + 1}`).sort());
      expect(await here.newEntries()).toEqual([]);
      await there.merge(news);
      for (let i = 0; i < 3000; i++) expect(there.reply(`n${i}`)).toBe(here.reply(`n${i}`));
      expect(there.batches.exchange.merged).toBe(3000);
      // Merged entries are not new: they are not appended again.
      expect(await there.newEntries()).toEqual([]);
      checkInvariants(there.harness.bytes);
    });

    test("carry which nodes were confirmed, into a registry and out of it", async () => {
      const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 9);
      const writer = new BatchWriter(new Uint8Array(8));
      for (const [name, confirmed] of [
        ["a", true],
        ["b", false],
      ] as const) {
        writer.addEntry({ nodeId: ascii(name), address, port: 1, announcedAt: Date.now(), confirmed });
      }
      const site = new Site(backend);
      await site.merge([Parsed.parse(writer.seal().bytes)]);
      expect(site.reply("a")).toBeDefined();
      const [all] = await site.allEntries();
      const flags = [0, 1].map((i) => all!.entry(i)).map(({ nodeId, confirmed }) => [nodeId[0], confirmed]);
      expect(flags.sort()).toEqual([
        [0x61, true],
        [0x62, false],
      ]);
    });

    test("contain an entry again after its append failed, and entries announced meanwhile", async () => {
      const site = new Site(backend);
      site.announce("a", 1);
      const failing = site.batches.appendNew(
        async () => {
          site.announce("b", 2);
          throw new Error("disk full");
        },
        () => 0,
      );
      expect(failing).rejects.toThrow("disk full");
      await failing.catch(() => {});
      expect(names(await site.newEntries()).sort()).toEqual(["a 1", "b 2"]);
      site.batches.moveCursors("reset");
      site.announce("a", 3);
      expect(names(await site.newEntries()).sort()).toEqual(["a 3", "b 2"]);
    });

    test("are nearly in order of time if there are many new entries, so that merging them is fast", async () => {
      const site = new Site(backend, { capacity: 40_000 });
      expect(site.batches.exchange.shards).toBeGreaterThan(4);
      const start = Date.now() - RETENTION / 2;
      for (let i = 0; i < 40_000; i++) site.announce(`n${i}`, 1, "192.0.2.1", start + i * 40);
      const news = await site.newEntries();
      expect(new Set(names(news)).size).toBe(40_000);
      for (const batch of news) expect(batch.time(batch.count - 1) - batch.time(0)).toBeLessThan(20_000 * 40);
    });

    test("of appendAll contain all entries, merged ones included, in order of time", async () => {
      const site = new Site(backend);
      const start = Date.now() - RETENTION / 2;
      for (let i = 0; i < 10_000; i++) site.announce(`n${i}`, 1, "192.0.2.1", start + i * 100);
      await site.merge([batchOf(["m", 7, start + 500_050], ["first", 8, start - 1])]);
      const all = await site.allEntries();
      expect(names(all)).toHaveLength(10_002);
      expect(new Set(names(all)).size).toBe(10_002);
      const times = all.flatMap((batch) => Array.from({ length: batch.count }, (_, i) => batch.time(i)));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(all.length).toBeGreaterThan(1);
    });

    test("of appendAll miss no entry, even if nodes are announced meanwhile", async () => {
      const site = new Site(backend);
      for (let i = 0; i < 10_000; i++) site.announce(`n${i}`, 1);
      const list: Batch[] = [];
      const random = new Random(4);
      await site.batches.appendAll(
        async (batch) => {
          await collect(list)(batch);
          for (let i = 0; i < 2000; i++) site.announce(`n${random.below(10_000)}`, 2);
        },
        () => 0,
      );
      const seen = new Set([...names(list), ...names(await site.newEntries())].map((name) => name.split(" ")[0]));
      expect(seen.size).toBe(10_000);
    });

    test("wait for a locked shard, without losing or delaying the entries of the others", async () => {
      const site = new Site(backend, { shards: 4 });
      for (let i = 0; i < 100; i++) site.announce(`n${i}`, 1);
      site.lock(2, 9);
      const first = names(await site.newEntries());
      expect(first.length).toBeWithin(50, 100);
      site.batches.moveCursors("reset");
      site.lock(2, 0);
      expect(names(await site.newEntries())).toHaveLength(100);

      const other = new Site(backend, { shards: 4 });
      other.lock(1, 9);
      const merging = other.merge([
        batchOf(...Array.from({ length: 600 }, (_, i) => [`n${i}`, 1, Date.now()] as [string, number, number])),
      ]);
      await Bun.sleep(20);
      expect(other.batches.exchange.merged).toBeLessThan(600);
      other.lock(1, 0);
      await merging;
      expect(other.batches.exchange.merged).toBe(600);
    });

    test("have entries with too long NodeIDs skipped and counted when they are merged", async () => {
      const site = new Site(backend, { maxIdLength: 8 });
      const now = Date.now();
      await site.merge([
        batchOf(["123456789", 1, now], ["12345678", 2, now], ["x".repeat(1008), 3, now], ["y", 4, now]),
      ]);
      expect(site.batches.exchange.merged).toBe(2);
      expect(site.batches.tooLong).toBe(2);
      checkInvariants(site.harness.bytes);
    });

    test("have entries counted that a full registry drops", async () => {
      const site = new Site(backend, { capacity: 3 });
      await site.merge([batchOf(...[1, 2, 3, 4, 5].map((i) => [`n${i}`, 1, Date.now()] as [string, number, number]))]);
      expect(site.batches.exchange.full).toBe(2);
    });

    test("are made and merged in slices, so that timers run every few milliseconds", async () => {
      const [here, there] = [new Site(backend, { capacity: 100_000 }), new Site(backend, { capacity: 100_000 })];
      for (let i = 0; i < 100_000; i++) here.announce(`n${i}`, 1);
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      const all = await here.newEntries();
      const atNews = turns;
      await there.merge(all);
      clearInterval(timer);
      expect(atNews).toBeGreaterThan(2);
      expect(turns - atNews).toBeGreaterThan(2);
    });
  });
}

describe("registries that merge each other's announcements", () => {
  /** Announces nodes to three sites with different clocks. Each site merges the batches of all in random order, some twice. */
  async function converge(seed: number, skew: number): Promise<void> {
    const random = new Random(seed);
    const sites = Array.from({ length: 3 }, (_, i) => new Site(i === 1 ? "ts" : "wasm", { capacity: 50 }));
    const clocks = sites.map(() => random.below(2 * skew + 1) - skew);
    const batches: Batch[] = [];
    /** For each site, how many batches it has merged. */
    const merged = sites.map(() => 0);
    for (let round = 0; round < 60; round++) {
      sites.forEach((site, i) => {
        const now = Date.now() + clocks[i]!;
        for (let n = random.below(4); n > 0; n--)
          site.announce(`n${random.below(6)}`, 1 + random.below(60_000), "192.0.2.1", now);
      });
      for (const [i, site] of sites.entries()) {
        if (random.once(2)) batches.push(...(await site.newEntries()));
        // Some of the batches, and some earlier ones again.
        const next = Math.min(batches.length, merged[i]! + random.below(4));
        await site.merge(batches.slice(Math.max(0, merged[i]! - random.below(3)), next));
        merged[i] = next;
      }
    }
    for (const site of sites) batches.push(...(await site.newEntries()));
    for (const [i, site] of sites.entries()) await site.merge(batches.slice(merged[i]));
    for (let n = 0; n < 6; n++) {
      const [one, ...others] = sites.map((site) => site.reply(`n${n}`));
      for (const other of others) expect(other, `node n${n}, seed ${seed}`).toBe(one);
    }
    for (const site of sites) checkInvariants(site.harness.bytes);
  }

  test("agree on every node, in any order of merging, even if announcements have the same time", async () => {
    for (let seed = 1; seed <= 25; seed++) await converge(seed, 0);
  });

  test("agree on every node if their clocks differ by up to 60 ms", async () => {
    for (let seed = 100; seed < 125; seed++) await converge(seed, 60);
  });

  test("take an announcement for the later one if its server knew the other one, even if that server's clock is behind", async () => {
    const [ahead, behind, third] = [new Site(), new Site(), new Site()];
    ahead.announce("n", 1, "192.0.2.1", Date.now() + 400);
    const first = await ahead.newEntries();
    await behind.merge(first);
    behind.announce("n", 2);
    const second = await behind.newEntries();
    await third.merge([...second, ...first]);
    await ahead.merge(second);
    for (const site of [ahead, behind, third]) expect(site.reply("n")).toBe(behind.reply("n"));
    expect(behind.reply("n")).toContain("00020000");
  });

  test("convert times between the clocks of the servers and of the journal", async () => {
    const [here, there] = [new Site(), new Site()];
    // The clock of `here` is 5 s ahead of the journal's clock, that of `there` 3 s behind.
    const announcedAt = Date.now();
    here.announce("n", 1, "192.0.2.1", announcedAt + 5000);
    const news = await here.newEntries(-5000);
    await there.merge(news, -3000);
    const [one] = await there.allEntries();
    expect(one!.time(0)).toBe(announcedAt - 3000);
    expect(there.batches.exchange.ahead).toBe(0);
  });

  test("are listed again and again if the journal loses its contents meanwhile, which is no damage", async () => {
    const site = new Site("wasm", { shards: 1, capacity: 60_000 });
    for (let i = 0; i < 50_000; i++) site.announce(`n${i}`, 1);
    let resets = 0;
    await site.batches.appendNew(
      async () => {
        if (resets++ < 30) site.batches.moveCursors("reset");
      },
      () => 0,
    );
    expect(resets).toBeGreaterThan(30);
  });
});
