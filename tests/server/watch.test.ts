/** When a thread without heartbeats counts as stuck. */
import { describe, expect, test } from "bun:test";
import { isAlive, ownThread, ThreadStates } from "../../src/server/workers/threads.ts";
import { Watch } from "../../src/server/workers/ticks.ts";
import { testIf } from "../support/needs.ts";
import { until } from "../support/time-limits.ts";

const PATIENCE = { asleep: 9, cpuMs: 250, unknown: 50 };

/** A thread with these properties at tick `n`. */
interface Told {
  readonly onTime?: (n: number) => boolean;
  readonly runnable?: (n: number) => boolean;
  readonly cpuMs?: (n: number) => number;
  readonly unknown?: boolean;
}

/** Why a thread without heartbeats is stuck, and after how many ticks, at most 1000. */
function stuckAfter({ onTime, runnable, cpuMs, unknown }: Told): [number, string | undefined] {
  const watch = new Watch(PATIENCE);
  watch.check(1, 1, { onTime: true, state: () => undefined });
  for (let n = 1; n <= 1000; n++) {
    const state = { runnable: runnable?.(n) ?? false, cpuMs: cpuMs?.(n) ?? 0, starved: false };
    const why = watch.check(1, 1, { onTime: onTime?.(n) ?? true, state: () => (unknown ? undefined : state) });
    if (why !== undefined) return [n, why];
  }
  return [1000, undefined];
}

describe("a thread without heartbeats", () => {
  test("is stuck after a second in which it was not runnable", () => {
    expect(stuckAfter({})).toEqual([10, "its heartbeat stopped, and it does not run"]);
  });

  test("is stuck when it has used a quarter of a second of processor time", () => {
    const spins = { runnable: () => true, cpuMs: (n: number) => n * 50 };
    expect(stuckAfter(spins)).toEqual([7, "its heartbeat stopped, and it runs without end"]);
    // On a busy machine it gets less.
    expect(stuckAfter({ ...spins, cpuMs: (n) => n * 5 })[0]).toBe(52);
  });

  test("is starved, not stuck, as long as it is runnable and gets no processor time", () => {
    expect(stuckAfter({ runnable: () => true })).toEqual([1000, undefined]);
    expect(stuckAfter({ runnable: (n) => n % 5 === 0 })).toEqual([1000, undefined]);
  });

  test("is not stuck because the whole process stood: late ticks do not count", () => {
    expect(stuckAfter({ onTime: () => false })).toEqual([1000, undefined]);
    expect(stuckAfter({ onTime: (n) => n % 2 === 0 })[0]).toBe(18);
  });

  test("is stuck after five seconds where its state is unknown", () => {
    expect(stuckAfter({ unknown: true })).toEqual([51, "its heartbeat stopped"]);
  });

  test("is not stuck any more when a heartbeat comes", () => {
    const watch = new Watch(PATIENCE);
    const state = { runnable: false, cpuMs: 0, starved: false };
    const ticks = { onTime: true, state: () => state };
    for (let heartbeat = 0; heartbeat < 100; heartbeat++) {
      for (let n = 0; n < 10; n++) expect(watch.check(heartbeat, 1, ticks)).toBeUndefined();
    }
  });
});

const linux = testIf(process.platform === "linux", "needs Linux");

linux(
  "the state of a thread says whether it is runnable, how much time it used, and whether it has ended",
  async () => {
    const text = 'postMessage(require("node:fs").readlinkSync("/proc/thread-self")); onmessage = () => { for (;;); };';
    const worker = new Worker(URL.createObjectURL(new Blob([text])));
    const { promise, resolve } = Promise.withResolvers<string>();
    worker.onmessage = ({ data }) => resolve(data);
    const thread = Number((await promise).split("/").at(-1));
    expect(thread).not.toBe(ownThread());
    expect(isAlive(thread)).toBe(true);
    const states = new ThreadStates();
    const read = () => {
      states.read();
      return states.get(thread)!;
    };
    await until(() => !read().runnable, "the thread to be idle");
    const { cpuMs } = read();
    worker.postMessage("spin");
    await until(() => read().runnable && read().cpuMs > cpuMs + 50, "the thread to spin");
    worker.terminate();
    await until(() => !isAlive(thread), "its end");
    states.read();
    expect(states.get(thread)).toBeUndefined();
    expect(states.get(undefined)).toBeUndefined();
  },
);
