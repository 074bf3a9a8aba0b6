/** A worker that was terminated and whose thread has not ended. It keeps its lane and its locks until then. */
import { getLogger } from "@logtape/logtape";
import type { PacketWorker } from "./packet-worker.ts";
import { TICK_MS, type Ticks } from "./ticks.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How long other workers wait for a lock that it holds, in ticks at which it was not starved. */
const HOLD_TICKS = 50;
export const HOLD_S = (HOLD_TICKS * TICK_MS) / 1000;

export class EndingWorker {
  readonly worker: PacketWorker;
  /** Ticks in a row at which it held a lock. */
  #held = 0;
  #failed = false;

  constructor(worker: PacketWorker) {
    this.worker = worker;
  }

  /**
   * Must be called at every tick.
   *
   * @returns whether it has held a lock for too long
   */
  holdsTooLong(holdsLock: boolean, ticks: Ticks): boolean {
    if (!holdsLock) this.#held = 0;
    else if (ticks.onTime && !ticks.state(this.worker.thread)?.starved) this.#held++;
    return this.#held >= HOLD_TICKS;
  }

  /** Takes its socket away, so that the other workers get its share of the packets. If that fails, call it again. */
  cutOff(): void {
    try {
      this.worker.revokeSockets();
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      logger.error("the socket of packet worker {worker} could not be taken away, trying again: {failure}", {
        worker: this.worker.number,
        failure: (error as Error).message,
      });
    }
  }
}
