/** The last hour: intervals of ten seconds. */
import { expect, test } from "bun:test";
import { History } from "../../src/admin/history.ts";
import { DiscoveryServer, type ServerStats } from "../../src/server/index.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

async function emptyStats(): Promise<ServerStats> {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
  return server.stats();
}

const before = await emptyStats();
const statsOf = (packets: number): ServerStats => ({
  ...before,
  received: packets * 2,
  verdicts: { ...before.verdicts, answered: packets, stored: packets },
  nodes: packets,
  https: { ...before.https, devices: packets * 5 },
  kernelDrops: packets * 3,
  journal: { ...before.journal, lag: packets / 4 },
});
const [answered, stored] = ["answered", "stored"].map((name) => Object.keys(before.verdicts).indexOf(name));

test("has what was counted in each interval, the oldest first", () => {
  const history = new History({ ...statsOf(0) }, 500);
  history.record(statsOf(4), 10_500);
  // Timers are a little early or late.
  history.record(statsOf(10), 20_499.7);
  history.record(statsOf(11), 31_900);
  const reply = history.reply(32_500);
  expect(Date.now() - Date.parse(reply.until)).toBeWithin(600, 600 + TEST_LIMIT_MS);
  expect(reply.verdicts.slice(0, 357)).toEqual(new Array(357).fill(null));
  expect(reply.verdicts.slice(357).map((verdicts) => [verdicts![answered!], verdicts![stored!]])).toEqual([
    [4, 4],
    [6, 6],
    [1, 1],
  ]);
  expect(reply.nodes.slice(356)).toEqual([null, 4, 10, 11]);
  expect(reply.devices.slice(356)).toEqual([null, 20, 50, 55]);
  expect(reply.kernelDrops.slice(356)).toEqual([null, 12, 18, 3]);
  expect(reply.journalLag.slice(356)).toEqual([null, 1, 2.5, 2.75]);
});

test("knows nothing of drops that the kernel does not report", () => {
  const history = new History({ ...before, kernelDrops: undefined }, 0);
  history.record({ ...before, kernelDrops: undefined }, 10_000);
  expect(history.reply(10_000).kernelDrops).toEqual(new Array(360).fill(null));
});

test("leaves out intervals that nothing was read in, and counts no interval twice", () => {
  const history = new History(statsOf(0), 0);
  history.record(statsOf(1), 10_000);
  history.record(statsOf(2), 10_020);
  history.record(statsOf(9), 40_000);
  expect(history.reply(40_000).nodes.slice(355)).toEqual([null, 1, null, null, 9]);
  // Counted at some time in three intervals: as a rate of the last one it would be a peak that never was.
  expect(history.reply(40_000).verdicts.at(-1)).toBeNull();
  expect(history.reply(40_000).kernelDrops.at(-1)).toBeNull();
  history.record(statsOf(11), 50_000);
  expect(history.reply(50_000).verdicts.at(-1)![answered!]).toBe(2);
  // The computer slept for a day.
  history.record(statsOf(12), 86_440_000);
  expect(history.reply(86_440_000).nodes).toEqual([...new Array(359).fill(null), 12]);
});

test("misses no interval if its timer is always a little late, and says when the last one really ended", () => {
  const history = new History(statsOf(0), 0);
  // By 40 ms each: in a schedule from the start, one of the last 360 would be missed.
  const now = 500 * 10_040;
  for (let i = 1; i <= 500; i++) history.record(statsOf(i), i * 10_040);
  const reply = history.reply(now + 3000);
  expect(reply.verdicts.map((verdicts) => verdicts?.[answered!])).toEqual(new Array(360).fill(1));
  expect(Math.abs(Date.now() - Date.parse(reply.until) - 3000)).toBeLessThan(2000);
});

test("has the totals at the end of its last interval, so a reader knows what came after it", () => {
  const history = new History(statsOf(5), 0);
  const totals = () => {
    const reply = history.reply(20_000);
    return [reply.totals[reply.verdictNames.indexOf("answered")], reply.totals.reduce((sum, n) => sum + n, 0)];
  };
  expect(totals()).toEqual([5, 10]);
  history.record(statsOf(7), 10_000);
  expect(totals()).toEqual([7, 14]);
});

test("has the last hour after a day, too, and no more", () => {
  const history = new History(statsOf(0), 0);
  for (let i = 1; i <= 8640; i++) history.record(statsOf(i), i * 10_000);
  const { nodes, verdicts } = history.reply(86_400_000);
  expect(nodes).toEqual(Array.from({ length: 360 }, (_, i) => 8281 + i));
  expect(verdicts.length).toBe(360);
});
