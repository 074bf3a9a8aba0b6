/**
 * Preloaded into `whereabouts server`: its first worker stands still in the middle of a change, as soon as the file that HANG names exists.
 */
import { existsSync } from "node:fs";
import { ThreadStops } from "../../support/thread-stops.ts";
import { Threads } from "../../support/threads.ts";
import { until } from "../../support/time-limits.ts";
import type { StallCommand } from "./stalling-worker.ts";

async function hang(file: string): Promise<void> {
  const threads = new Threads("tests/server/stalls/stalling-worker.ts");
  const stops = new ThreadStops();
  // Its program needs a moment to start. Meanwhile a worker that waits at its step would be replaced.
  await stops.go();
  // Not for the other threads, which are preloaded too.
  const module = (await import("../../engine/stoppable-wasm.ts")).instrumented();
  await until(() => existsSync(file), "the file");
  const words = new Int32Array(new SharedArrayBuffer(8));
  const thread = threads.list[0]!;
  thread.postMessage({ type: "stall", step: "refresh, linking", words, module } satisfies StallCommand);
  await until(() => Atomics.load(words, 0) === 1, "the step");
  await stops.stop(threads.numbers.get(thread)!, 60_000);
}

if (Bun.isMainThread) {
  // Not for the programs that this one starts.
  delete process.env.BUN_OPTIONS;
  void hang(process.env.HANG!);
}
