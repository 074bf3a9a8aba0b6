import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Batch } from "../../../src/journal/index.ts";
import { createJournal, type Journal } from "../../../src/journal/index.ts";
import { Clock } from "../../../src/server/clock.ts";
import { RegistryBatches } from "../../../src/server/registry-batches.ts";
import { HOUR, range, CLOCK_STEPS as STEPS } from "../../support/clock-steps.ts";
import { Member } from "../../support/cluster.ts";
import { Folder } from "../../support/folder.ts";
import { collect, Site, SiteRegistry } from "../../support/registry-site.ts";
import { SteppingServer } from "../../support/stepping-server.ts";
import { LONG_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(LONG_LIMIT_MS);

/** As if the system was started again since the file was written: its times cannot be compared with the clock. */
function reboot(path: string): void {
  const db = new Database(path);
  db.run("UPDATE clock SET boot = 'another'");
  db.close();
}

function lastBatch(path: string): number {
  const db = new Database(path, { readonly: true });
  const { last } = db.query<{ last: number }, []>("SELECT max(id) AS last FROM batch").get()!;
  db.close();
  return last;
}

/** When the system booted, by the clock that the last batches were written with. */
function bootTime(db: Database): number {
  return db.query<{ booted: number }, []>("SELECT booted FROM clock ORDER BY first DESC").get()!.booted;
}

/** Waits until all batches in the file are from a clock by which the system booted at `booted`. */
async function untilRewritten(path: string, booted: number): Promise<void> {
  const db = new Database(path, { readonly: true });
  const old = "SELECT count(*) AS old FROM batch WHERE id < (SELECT max(first) FROM clock)";
  const isDone = () => Math.abs(bootTime(db) - booted) < 2500 && db.query<{ old: number }, []>(old).get()!.old === 0;
  for (const end = performance.now() + 60_000; !isDone(); await Bun.sleep(100)) {
    if (performance.now() > end) throw new Error("the file was not rewritten");
  }
  db.close();
}

describe.concurrent("a server whose clock is set", () => {
  for (const [what, step] of STEPS) {
    test(`loses no node and refuses none, now, after SIGKILL, after a reboot, and when it is set right again: ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      const journal = `sqlite:${path}`;
      const before = range(20, "before");
      const after = range(20, "after");
      const all = [...before, ...after];
      // Announced before and after the step.
      const moved = before[0]!;
      const expected = all.map((name) => (name === moved || after.includes(name) ? 2 : 1));
      let booted = 0;
      {
        await using server = await SteppingServer.start(journal);
        await server.announce(before, 1);
        const db = new Database(path, { readonly: true });
        booted = bootTime(db);
        db.close();
        await server.step(step);
        await server.announce([moved, ...after], 2);
        expect(await server.ports(all)).toEqual(expected);
        await until(() => server.log.includes("clock was set"), "the log");
        expect(server.log.match(/the system's clock was set/g)).toHaveLength(1);
        expect(server.log).toContain(
          `the system's clock was set ${step > 0 ? "ahead" : "back"} by ${(Math.abs(step) / 1000).toFixed(1)} s`,
        );
        await server.end("SIGKILL");
      }
      {
        await using server = await SteppingServer.start(journal, step);
        expect(await server.ports(all)).toEqual(expected);
        await untilRewritten(path, booted + step);
        expect((await server.stats()).journal.errors).toBe(0);
        await server.end("SIGKILL");
      }
      reboot(path);
      {
        await using server = await SteppingServer.start(journal, step);
        expect(await server.ports(all)).toEqual(expected);
        await server.step(0);
        await server.announce(["last"], 3);
        await untilRewritten(path, booted);
        expect(await server.ports(all)).toEqual(expected);
        await server.end("SIGKILL");
      }
      {
        // Once is enough: nothing is written again at the next start.
        await using server = await Member.start(journal, { capacity: 1000, workers: 1 });
        const written = lastBatch(path);
        await Bun.sleep(2500);
        expect(lastBatch(path)).toBe(written);
        expect(server.server.stats().nodes).toBe(all.length + 1);
      }
      reboot(path);
      await using server = await Member.start(journal, { capacity: 1000, workers: 1 });
      expect(await server.ports(["last", ...all])).toEqual([3, ...expected]);
      expect(server.server.stats().journal).toMatchObject({ errors: 0, bad: 0, noRoom: 0 });
    });
  }

  test("and soon set right again does not write all nodes again", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await using server = await SteppingServer.start(`sqlite:${path}`);
    await server.announce(range(50, "n"), 1);
    for (const ahead of [1500, 0, -2 * HOUR, 0]) {
      await server.step(ahead);
      await Bun.sleep(1100);
    }
    await server.announce(["last"], 1);
    // Longer than it takes until a step counts.
    await Bun.sleep(7000);
    await server.end("SIGTERM");
    const db = new Database(path, { readonly: true });
    expect(db.query("SELECT total(entries) AS entries FROM batch").get()).toEqual({ entries: 51 });
    db.close();
  });
});

test("a server without a journal keeps its nodes and refuses none when its clock is set", async () => {
  await using server = await Member.start("memory", { capacity: 1000, workers: 1 });
  const stored = () => server.server.stats().verdicts.stored + server.server.stats().verdicts.refreshed;
  const real = Date.now;
  try {
    for (const [what, step] of STEPS) {
      const [before, after] = [`before ${what}`, `after ${what}`];
      await server.announce([before], 1);
      for (const ahead of [step, 0]) {
        Date.now = () => real() + ahead;
        const count = stored();
        await server.announce([after], 2);
        await until(() => stored() === count + 1, "the announcement to be stored");
        expect(await server.ports([before, after])).toEqual([1, 2]);
      }
    }
  } finally {
    Date.now = real;
  }
});

describe("a clock that was set while no server ran", () => {
  const journalAt = (path: string, clock: Clock): Journal =>
    createJournal({ journal: `sqlite:${path}`, prefix: "x", retentionMs: HOUR, origin: new Uint8Array(8), clock });

  async function write(path: string): Promise<void> {
    const registry = new SiteRegistry(new Site());
    registry.journal = journalAt(path, new Clock());
    await registry.journal.open(registry);
    registry.site.announce("old", 1, "192.0.2.1", Date.now() - HOUR / 2);
    await registry.append();
    registry.site.announce("new", 1);
    await registry.append();
    await registry.journal.close();
  }

  for (const [what, step] of STEPS) {
    test(`does not change the age of the nodes in the file: ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await write(path);
      const real = Date.now;
      try {
        Date.now = () => real() + step;
        const clock = new Clock();
        const site = new Site();
        const { memory, engine } = site.harness;
        const batches = new RegistryBatches(memory, engine, site.devices, clock, new Uint8Array(8));
        const journal = journalAt(path, clock);
        await journal.read({ merge: (batch, shift) => batches.merge(batch, shift) });
        await journal.close();
        const read: Batch[] = [];
        await batches.appendAll(collect(read), () => 0);
        const ages = [0, 1].map((i) => clock.now() - read[0]!.time(i));
        expect(ages[0]! - HOUR / 2).toBeWithin(-3000, 60_000);
        expect(ages[1]).toBeWithin(-3000, 60_000);
      } finally {
        Date.now = real;
      }
    });
  }
});
