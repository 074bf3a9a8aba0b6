/** One position in the pool of packet workers. It outlives its worker: it detects a stuck one and delays replacements. */
import type { EngineBackend } from "../../engine/index.ts";
import type { PacketWorker } from "./packet-worker.ts";
import { type Patience, TICK_MS, type Ticks, Watch } from "./ticks.ts";

/** A worker is stuck after a second of sleep, or a quarter of a second of its own time: a batch takes microseconds. */
const PATIENCE: Patience = { asleep: 9, cpuMs: 250, unknown: 50 };
/** A worker that ran for this long did not fail at its start. */
const SETTLED_MS = 10_000;
/** After this many failures in a row at the start of a worker, the slot is given up, unless another worker runs. */
const MAX_FAILURES = 5;
/** Codes of errors that pass when others need less of the system. They are no reason to give a slot up. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN"];
const MAX_BACKOFF_MS = 5000;

export class WorkerSlot {
  /** From 1 on, for log lines. */
  readonly number: number;
  readonly engine: EngineBackend;
  /** Descriptors of the given sockets that it serves; empty if its worker binds its own. */
  readonly given: readonly number[];
  /** The worker, while it listens. */
  worker: PacketWorker | undefined;
  /** How often its worker was replaced. */
  replaced = 0;
  /** Failures in a row of workers that had not settled. */
  #failures = 0;
  #startedAt = 0;
  #watch = new Watch(PATIENCE);

  constructor(number: number, engine: EngineBackend, given: readonly number[] = []) {
    this.number = number;
    this.engine = engine;
    this.given = given;
  }

  setWorker(worker: PacketWorker): void {
    this.worker = worker;
    this.#startedAt = performance.now();
    this.#watch = new Watch(PATIENCE);
  }

  /**
   * Must be called at every tick.
   *
   * @param heartbeat the current value of the worker's heartbeat counter
   * @returns why the worker is stuck, or undefined if it is not
   */
  stuck(heartbeat: number, ticks: Ticks): string | undefined {
    return this.#watch.check(heartbeat, this.worker?.thread, ticks);
  }

  /** Whether its worker listens, and has a heartbeat or is starved. */
  get alive(): boolean {
    return this.worker !== undefined && !this.#watch.suspected;
  }

  /** Records that the worker failed, or that a new worker could not start. The slot is empty afterwards. */
  fail(code?: string): void {
    if (this.worker !== undefined && performance.now() - this.#startedAt > SETTLED_MS) this.#failures = 0;
    this.worker = undefined;
    if (!SHORTAGES.includes(code ?? "") || this.#failures < MAX_FAILURES - 1) this.#failures++;
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
