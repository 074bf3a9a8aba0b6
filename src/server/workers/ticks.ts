/** A timer for watching threads. It knows in which of its ticks the silence of a thread proves something. */
import { type ThreadState, ThreadStates } from "./threads.ts";

export const TICK_MS = 100;
/** If the timer itself is this late, this thread was stalled or starved, and perhaps the others too. */
const LATE_MS = 50;

/** A thread is suspected of being stuck after these parts of a {@link Patience}. */
const SUSPICION = 0.4;

/** How long a silent thread is waited for. */
export interface Patience {
  /** Ticks in a row at which it was not runnable. */
  readonly asleep: number;
  /** Its own processor time, in ms. */
  readonly cpuMs: number;
  /** Ticks, where its state is unknown because there is no /proc. */
  readonly unknown: number;
}

export class Ticks {
  readonly #states = new ThreadStates();
  readonly #callbacks = new Set<() => void>();
  readonly #timer: Timer;
  #last = performance.now();
  /** Whether this tick is on time. After a late one a thread's silence proves nothing: perhaps the whole process stood. */
  onTime = true;
  #tick = 0;
  /** The tick of the last reading of the states. */
  #read = -1;

  constructor() {
    this.#timer = setInterval(() => this.#next(performance.now()), TICK_MS);
  }

  /** Calls `callback` at every tick, until the returned function is called. */
  each(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#callbacks.clear();
  }

  /** Whether a thread of this process was starved since the last tick. */
  get starved(): boolean {
    this.#readStates();
    return this.#states.starved;
  }

  /** The state of a thread; undefined if it is unknown. */
  state(thread: number | undefined): ThreadState | undefined {
    this.#readStates();
    return this.#states.get(thread);
  }

  #next(now: number): void {
    this.#tick++;
    this.onTime = now - this.#last <= TICK_MS + LATE_MS;
    this.#last = now;
    for (const callback of this.#callbacks) callback();
  }

  /** Once a tick at most, and only if somebody asks: it takes some 10 µs per thread. */
  #readStates(): void {
    if (this.#read === this.#tick) return;
    if (this.#read !== this.#tick - 1) this.#states.clear();
    this.#read = this.#tick;
    this.#states.read();
  }
}

/** Watches one thread by its heartbeats. */
export class Watch {
  readonly #patience: Patience;
  #heartbeat: number | undefined;
  /** Ticks since the last heartbeat, and those of them that count in each way of {@link Patience}. */
  #silent = 0;
  #asleep = 0;
  #unknown = 0;
  /** Processor time at the first reading since the last heartbeat. */
  #cpuMs: number | undefined;
  /** Processor time since then. */
  #usedMs = 0;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** Whether its heartbeat stands still, though it is not starved. It may still move again, before it counts as stuck. */
  get suspected(): boolean {
    const { asleep, cpuMs, unknown } = this.#patience;
    const spent = Math.max(this.#asleep / asleep, this.#usedMs / cpuMs, this.#unknown / unknown);
    return spent >= SUSPICION;
  }

  /**
   * Call it at every tick.
   *
   * @returns why the thread is stuck, or undefined if it is not
   */
  check(heartbeat: number, thread: number | undefined, ticks: Pick<Ticks, "onTime" | "state">): string | undefined {
    if (heartbeat !== this.#heartbeat) {
      this.#heartbeat = heartbeat;
      this.#silent = this.#asleep = this.#unknown = 0;
      this.#cpuMs = undefined;
      this.#usedMs = 0;
      return undefined;
    }
    // An idle worker has a heartbeat about every tick, so one tick without it is normal.
    if (++this.#silent === 1) return undefined;
    const state = ticks.state(thread);
    if (state === undefined) {
      if (ticks.onTime) this.#unknown++;
      return this.#unknown >= this.#patience.unknown ? "its heartbeat stopped" : undefined;
    }
    if (state.runnable) this.#asleep = 0;
    else if (ticks.onTime) this.#asleep++;
    if (this.#asleep >= this.#patience.asleep) return "its heartbeat stopped, and it does not run";
    this.#cpuMs ??= state.cpuMs;
    this.#usedMs = state.cpuMs - this.#cpuMs;
    return this.#usedMs >= this.#patience.cpuMs ? "its heartbeat stopped, and it runs without end" : undefined;
  }
}
