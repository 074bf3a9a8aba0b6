import { expect, test } from "bun:test";
import { Schedule } from "../../../src/client/lan/schedule.ts";
import { Random } from "../../support/random.ts";

const INTERVAL = 30_000;
const random = new Random(12);
const fraction = () => random.below(1_000) / 1_000;

/** What the schedule wants until `end`, with the time of each. */
function run(schedule: Schedule, end: number): { at: number; what: "all" | "young" }[] {
  const done: { at: number; what: "all" | "young" }[] = [];
  while (schedule.at <= end) {
    const { at } = schedule;
    expect(schedule.take(at - 0.001)).toBeUndefined();
    done.push({ at, what: schedule.take(at)! });
  }
  return done;
}

/** A schedule whose node has announced itself at the time 0. */
function started(): Schedule {
  const schedule = new Schedule(INTERVAL, fraction);
  schedule.announced(0);
  return schedule;
}

test("three regular announcements fit into the 90 s for which nodes are kept, at intervals that differ", () => {
  const times = run(started(), 300_000).map(({ at }) => at);
  const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
  expect(gaps.length).toBeGreaterThanOrEqual(10);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(27_000);
  expect(new Set(gaps).size).toBeGreaterThan(5);
});

test("the first announcement on new interfaces is repeated there twice, for a node that only listens too", () => {
  const schedule = new Schedule(INTERVAL, fraction);
  expect(schedule.at).toBe(Number.POSITIVE_INFINITY);
  for (const begin of [0, 100_000]) {
    schedule.started(begin);
    const repeats = run(schedule, begin + 90_000);
    expect(repeats.map(({ what }) => what)).toEqual(["young", "young"]);
    const [first, second] = repeats.map(({ at }) => at - begin) as [number, number];
    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(second).toBeGreaterThanOrEqual(3_000);
    expect(second).toBeLessThanOrEqual(3_300);
  }
});

test("a node answers within 200 ms, also right after its own start, and then at most once a second", () => {
  for (let i = 0; i < 100; i++) {
    const schedule = started();
    schedule.answer(1, 3);
    const first = schedule.at;
    expect(first).toBeGreaterThanOrEqual(1);
    expect(first).toBeLessThanOrEqual(201);
    expect(schedule.take(first)).toBe("all");
    // One answer serves all who ask in the meantime.
    for (let at = first; at < first + 900; at += 10) schedule.answer(at, 3);
    expect(schedule.at).toBeGreaterThanOrEqual(first + 1_000);
    expect(schedule.at).toBeLessThanOrEqual(first + 1_000 + 200);
    expect(schedule.take(schedule.at)).toBe("all");
    expect(schedule.at).toBeGreaterThan(first + 27_000);
  }
});

test("an announcement that comes before the answer is the answer", () => {
  const schedule = started();
  schedule.answer(0, 3);
  schedule.announced(0);
  expect(schedule.at).toBeGreaterThan(20_000);
  schedule.answer(500, 3);
  expect(schedule.at).toBeGreaterThanOrEqual(1_000);
});

test("of 1,000 nodes that are all asked all the time, about 100 a second answer, and at first no more than 600", () => {
  const seconds: number[] = Array.from({ length: 60 }, () => 0);
  for (let node = 0; node < 1_000; node++) {
    const schedule = started();
    for (let at = 0; at < 60_000; at += 250) {
      schedule.answer(at, 1_000);
      while (schedule.at < at + 250) {
        seconds[Math.floor(schedule.at / 1_000)]!++;
        schedule.take(schedule.at);
      }
    }
  }
  expect(Math.max(...seconds)).toBeLessThan(600);
  expect(seconds.reduce((sum, count) => sum + count) / 60).toBeLessThan(130);
});
