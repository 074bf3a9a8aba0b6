/** The place of a packet worker, whichever has it: whether that one lives, and how often those before it failed. */
import type { EngineBackend } from "../../engine/index.ts";
import type { PacketWorker } from "./packet-worker.ts";

export const TICK_MS = 100;
/** Ticks without a sign of life after which a worker is taken for stuck. No batch takes a hundredth of that. */
const STILL_TICKS = 5;
export const STILL_S = (STILL_TICKS * TICK_MS) / 1000;
/** A worker that lived that long did not fail at once. */
const SETTLED_MS = 10_000;
/** Workers that may fail at once in a row before the seat is given up, if no other one serves. */
const FAILURES = 5;
const MAX_BACKOFF_MS = 5000;

export class Seat {
  readonly number: number;
  readonly engine: EngineBackend;
  /** Who has it, once it listens. */
  worker: PacketWorker | undefined;
  /** Workers that failed in a row, none of which had settled. */
  #failures = 0;
  #since = 0;
  #beat = 0;
  #still = 0;

  constructor(number: number, engine: EngineBackend) {
    this.number = number;
    this.engine = engine;
  }

  take(worker: PacketWorker): void {
    this.worker = worker;
    this.#since = performance.now();
    this.#still = 0;
  }

  /**
   * Whether its worker is stuck: asked at every tick, with the worker's beat.
   * @param late the control thread itself was held up, perhaps the process as a whole: that says nothing of the worker.
   */
  isStuck(beat: number, late: boolean): boolean {
    if (beat !== this.#beat) this.#still = 0;
    else if (!late) this.#still++;
    this.#beat = beat;
    return this.#still >= STILL_TICKS;
  }

  /** Its worker failed, or the one that was to have it. */
  fail(): void {
    if (this.worker !== undefined && performance.now() - this.#since > SETTLED_MS) this.#failures = 0;
    this.worker = undefined;
    this.#failures++;
  }

  get hopeless(): boolean {
    return this.worker === undefined && this.#failures >= FAILURES;
  }

  /** How long to wait before the next worker is tried, in ms: not at all for the first. */
  get backoff(): number {
    return this.#failures < 2 ? 0 : Math.min(MAX_BACKOFF_MS, TICK_MS * 2 ** (this.#failures - 2));
  }
}
