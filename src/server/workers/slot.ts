/** One position in the pool of packet workers. It outlives its worker: it detects a stuck one and delays replacements. */
import type { EngineBackend } from "../../engine/index.ts";
import type { PacketWorker } from "./packet-worker.ts";

export const TICK_MS = 100;
/** A worker is stuck after this many ticks without a heartbeat. A batch takes less than a hundredth of that time. */
const STUCK_TICKS = 5;
/** A worker that ran for this long did not fail at its start. */
const SETTLED_MS = 10_000;
/** After this many failures in a row at the start of a worker, the slot is given up, unless another worker runs. */
const MAX_FAILURES = 5;
const MAX_BACKOFF_MS = 5000;

export class WorkerSlot {
  /** From 1 on, for log lines. */
  readonly number: number;
  readonly engine: EngineBackend;
  /** The worker, while it listens. */
  worker: PacketWorker | undefined;
  /** Failures in a row of workers that had not settled. */
  #failures = 0;
  #startedAt = 0;
  #heartbeat = 0;
  #ticksWithoutHeartbeat = 0;

  constructor(number: number, engine: EngineBackend) {
    this.number = number;
    this.engine = engine;
  }

  setWorker(worker: PacketWorker): void {
    this.worker = worker;
    this.#startedAt = performance.now();
    this.#ticksWithoutHeartbeat = 0;
  }

  /**
   * Whether the worker is stuck. Must be called at every tick.
   *
   * @param heartbeat the current value of the worker's heartbeat counter
   * @param late whether this tick is late. Then the control thread, and perhaps the whole process, was stalled, so a
   *   missing heartbeat proves nothing.
   */
  isStuck(heartbeat: number, late: boolean): boolean {
    if (heartbeat !== this.#heartbeat) this.#ticksWithoutHeartbeat = 0;
    else if (!late) this.#ticksWithoutHeartbeat++;
    this.#heartbeat = heartbeat;
    return this.#ticksWithoutHeartbeat >= STUCK_TICKS;
  }

  /** Records that the worker failed, or that a new worker could not start. The slot is empty afterwards. */
  fail(): void {
    if (this.worker !== undefined && performance.now() - this.#startedAt > SETTLED_MS) this.#failures = 0;
    this.worker = undefined;
    this.#failures++;
  }

  /** Whether the slot is empty after too many failures in a row. */
  get hopeless(): boolean {
    return this.worker === undefined && this.#failures >= MAX_FAILURES;
  }

  /** How long to wait before the next worker is started, in ms. The first replacement starts at once. */
  get backoff(): number {
    return this.#failures < 2 ? 0 : Math.min(MAX_BACKOFF_MS, TICK_MS * 2 ** (this.#failures - 2));
  }
}
