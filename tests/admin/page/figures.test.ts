// The modules of the live page that only calculate: rates, the buffer of the last minutes, the history as columns.
import { describe, expect, test } from "bun:test";
import { hourOf } from "../../../src/admin/page/hour.ts";
import { Live } from "../../../src/admin/page/live.ts";
import { ratesBetween } from "../../../src/admin/page/rates.ts";
import { REQUEST_GROUPS } from "../../../src/admin/page/requests.ts";
import { GROUPS, groupOf } from "../../../src/admin/page/verdicts.ts";
import { VERDICTS } from "../../../src/engine/index.ts";
import { REQUEST_RESULTS } from "../../../src/syncthing/directory/handler.ts";
import { madeUpHistory, madeUpHttps, madeUpStats } from "./made-up.ts";

const START = Date.parse(madeUpStats(0).startedAt);

describe("rates", () => {
  test("are per second, of the server and of each worker", () => {
    const rates = ratesBetween(madeUpStats(100, 2), madeUpStats(104, 2))!;
    expect(rates).toMatchObject({ from: START + 100_000, to: START + 104_000, received: 1213, answered: 1000 });
    expect(rates.verdicts.slice(0, 4)).toEqual([1000, 120, 3, 90]);
    expect(rates.processors).toBeCloseTo(0.4);
    expect(rates.workers.map(({ received }) => received)).toEqual([606.5, 606.5]);
    expect(rates.workers[0]!.processor).toBeCloseTo(0.175);
  });

  test("of requests and handshakes are per second too", () => {
    const at = (uptime: number) => madeUpStats(uptime, 1, { https: madeUpHttps(uptime) });
    const rates = ratesBetween(at(100), at(104))!;
    expect(rates.requests).toEqual([30, 12, 0.5, 4, 0.25, 0.5, 0.25, 0.25, 2, 0, 0.5, 1, 0.25, 0]);
    expect(rates.handshakes).toBe(3);
  });

  test("are unknown after a restart of the server, and between two events of one moment", () => {
    expect(ratesBetween(madeUpStats(100), madeUpStats(5))).toBeUndefined();
    expect(ratesBetween(madeUpStats(100), madeUpStats(100))).toBeUndefined();
  });

  test("do not depend on the system's clock, which may be set", () => {
    const set = { at: new Date(START - 3_600_000).toISOString() };
    expect(ratesBetween(madeUpStats(100), madeUpStats(101, 1, set))!.received).toBe(1213);
  });

  test("of what the system does not report are null", () => {
    const unknown = (uptime: number) => {
      const stats = madeUpStats(uptime, 1, { kernelDrops: null });
      return {
        ...stats,
        perWorker: stats.perWorker.map(({ cpuSeconds: _, ...rest }) => ({ ...rest, cpuSeconds: null })),
      };
    };
    const rates = ratesBetween(unknown(1), unknown(2))!;
    expect([rates.kernelDrops, rates.workers[0]!.processor]).toEqual([null, null]);
  });
});

describe("the buffer of the last minutes", () => {
  const rates = (uptime: number) => ratesBetween(madeUpStats(uptime - 1), madeUpStats(uptime))!;

  test("has the same size after a day of events", () => {
    const live = new Live(300);
    const first = live.columns(START);
    for (let uptime = 1; uptime <= 86_400; uptime++)
      live.add({ ...rates(1), from: START + (uptime - 1) * 1000, to: START + uptime * 1000 });
    const columns = live.columns(START + 86_400_000);
    expect(columns).toBe(first);
    expect(columns.map((column) => column.length)).toEqual([300, 300, 300]);
    expect(columns[0]!.at(-1)).toBe(START / 1000 + 86_400);
    expect(columns[1]).toEqual(new Array(300).fill(1000));
  });

  test("has no value for seconds that nothing is known of", () => {
    const live = new Live(5);
    live.add(rates(1));
    live.add(rates(3));
    expect(live.columns(START + 3000)[1]).toEqual([null, null, 1000, null, 1000]);
    live.clear();
    expect(live.columns(START + 3000)[1]).toEqual([null, null, null, null, null]);
  });

  test("has a value for each second, even if events come a little early or late", () => {
    const live = new Live(4);
    for (const [from, to] of [
      [0, 1004],
      [1004, 2001],
      [2001, 2999],
      [2999, 4010],
    ] as const)
      live.add({ ...rates(1), from: START + from, to: START + to });
    expect(live.columns(START + 4010)[2]).toEqual([1213, 1213, 1213, 1213]);
  });

  test("takes from the history what it missed, and keeps what it saw itself", () => {
    const live = new Live(30);
    live.add({ ...rates(1), from: START + 24_000, to: START + 25_000, answered: 7 });
    const history = madeUpHistory(START + 30_000, 2);
    const answered = history.verdicts.map((counts) => counts && counts[0]! / 10);
    live.fill(history, madeUpStats(30));
    const [, answers] = live.columns(START + 30_000);
    expect(answers!.slice(0, 10)).toEqual(new Array(10).fill(null));
    expect(answers!.slice(10, 20)).toEqual(new Array(10).fill(answered[358]));
    expect(answers!.slice(20)).toEqual([...new Array(4).fill(answered[359]), 7, ...new Array(5).fill(answered[359])]);
  });

  test.each([0, 0.4, 0.6, 3, 7.3, 9.99])("has no gap if the history ends %p s before the first event", (before) => {
    const live = new Live(30);
    const history = madeUpHistory(START + (40.2 - before) * 1000, 4);
    const mean = Math.round(history.verdicts.at(-1)![0]! / 10);
    live.fill(history, madeUpStats(40.2));
    live.add(ratesBetween(madeUpStats(40.2), madeUpStats(41.2))!);
    const answers = live.columns(START + 41_200)[1].map((n) => n && Math.round(n));
    // The made-up server answers 1000 a second, its history another number.
    const counted = 1 + 40 - Math.round(40.2 - before);
    expect(answers.slice(-counted)).toEqual(new Array(counted).fill(1000));
    expect(answers.at(-counted - 1)).toBe(mean);
    expect(answers).not.toContain(null);
  });

  test("takes nothing from before the start of a young server", () => {
    const live = new Live(10);
    live.fill(madeUpHistory(START, 0), madeUpStats(4.5));
    expect(live.columns(START + 4500)[1]).toEqual([...new Array(6).fill(null), 1000, 1000, 1000, 1000]);
  });
});

describe("the history", () => {
  test("is stacked: the top of the stack is all packets", () => {
    const history = madeUpHistory(START, 3);
    const { times, stacked, nodes, devices, kernelDrops } = hourOf(history);
    // Of a server that was started 30 s ago, ten minutes.
    expect([times.length, times[0], times.at(-1)]).toEqual([60, START / 1000 - 590, START / 1000]);
    expect(hourOf(madeUpHistory(START, 200)).times[0]).toBe(START / 1000 - 1990);
    expect(hourOf(madeUpHistory(START)).times[0]).toBe(START / 1000 - 3590);
    expect(hourOf(madeUpHistory(START, 0)).times).toHaveLength(60);
    expect(stacked.map((column) => column[0])).toEqual(GROUPS.map(() => null));
    const last = history.verdicts.at(-1)!;
    expect(stacked[0]!.at(-1)).toBe(last[0]! / 10);
    expect(stacked.at(-1)!.at(-1)).toBeCloseTo(last.reduce((sum, n) => sum + n, 0) / 10);
    for (let i = 1; i < stacked.length; i++)
      expect(stacked[i]!.at(-1)!).toBeGreaterThanOrEqual(stacked[i - 1]!.at(-1)!);
    expect([devices.length, devices.at(-1), devices[0]]).toEqual([60, 2359, null]);
    expect([nodes.at(-1), kernelDrops.at(-1), kernelDrops[0]]).toEqual([400_000 + 34 * 359, 0, null]);
  });

  test("every result of a request is in one group, and no other is", () => {
    expect(REQUEST_GROUPS.flatMap(({ results }) => results).sort()).toEqual([...REQUEST_RESULTS].sort());
  });

  test("every verdict of the server has a group and a meaning, and no other has one", () => {
    const known = GROUPS.flatMap(({ verdicts }) => Object.keys(verdicts));
    expect(known.sort()).toEqual([...VERDICTS].sort());
    expect(GROUPS[groupOf("a verdict of a later version")]!.key).toBe("refused");
  });
});
