/** The signals that stop a server. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { ownThread } from "../../server/workers/threads.ts";
import { TICK_MS } from "../../server/workers/ticks.ts";
import { startThread } from "../../threads/start.ts";
import type { Guarded } from "./guard.ts";

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** A terminal signals the whole process group and `bun run` passes its signal on, so one Ctrl-C may arrive twice. */
const DUPLICATE_MS = 500;

/**
 * Resolves with the first SIGTERM, SIGINT or SIGHUP. A second SIGTERM or SIGINT, at least half a second later, ends the
 * process at once. A SIGHUP that was ignored at the start, as under nohup, stays ignored.
 */
export function untilStopSignal(): Promise<Signal> {
  const signals: Signal[] = ["SIGTERM", "SIGINT", ...(isHangupIgnored() ? [] : (["SIGHUP"] as const))];
  const { promise, resolve } = Promise.withResolvers<Signal>();
  let first: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      resolve(signal);
      first ??= performance.now();
      // A terminal that is closed may send two SIGHUPs.
      if (signal === "SIGHUP" || performance.now() - first < DUPLICATE_MS) return;
      console.error(`whereabouts: ended at once by a second signal, ${signal}`);
      process.exit(128 + constants.signals[signal]);
    });
  }
  guard(signals);
  return promise;
}

/** Whether SIGHUP is ignored. Where there is no /proc that is not known, and SIGHUP keeps its action. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))![1]!;
    return ((Number.parseInt(mask.slice(-8), 16) >> (constants.signals.SIGHUP - 1)) & 1) === 1;
  } catch {
    return true;
  }
}

/** Starts the thread that gives the signals their default action back if this thread hangs. */
function guard(signals: readonly Signal[]): void {
  const heartbeat = new Int32Array(new SharedArrayBuffer(4));
  // Without the guard, for instance where there is no bun:ffi, signals wait for this thread.
  const worker = startThread("cli/signals/guard.ts", () => {});
  worker.unref();
  worker.postMessage({
    heartbeat,
    thread: ownThread(),
    signals: signals.map((it) => constants.signals[it]),
  } satisfies Guarded);
  setInterval(() => Atomics.add(heartbeat, 0, 1), TICK_MS).unref();
}
