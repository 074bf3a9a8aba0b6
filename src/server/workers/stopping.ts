/** Waits for a worker that was asked to stop. */
import type { EngineControl } from "../../engine/index.ts";
import type { PacketWorker } from "./packet-worker.ts";
import { type Patience, type Ticks, Watch } from "./ticks.ts";

/** How long a worker may take to stop: ticks at which it was not starved, and ticks in all. */
const STOP_TICKS = 5;
const ALL_STOP_TICKS = 50;
/** A stuck worker is not waited for that long. */
const STOP_PATIENCE: Patience = { asleep: 2, cpuMs: 100, unknown: 3 };

/** Waits until a worker has stopped or is stuck. One that is starved, and may hold a lock, is waited for longer. */
export async function untilStopped(worker: PacketWorker, control: EngineControl, ticks: Ticks): Promise<void> {
  const late = Promise.withResolvers<void>();
  const watch = new Watch(STOP_PATIENCE);
  let [left, allLeft] = [STOP_TICKS, ALL_STOP_TICKS];
  const endWatch = ticks.each(() => {
    const stuck = watch.check(control.heartbeat(worker.lane), worker.thread, ticks) !== undefined;
    if (!ticks.state(worker.thread)?.starved) left--;
    if (stuck || left === 0 || --allLeft === 0) late.resolve();
  });
  await Promise.race([worker.stopped, late.promise]);
  endWatch();
}
