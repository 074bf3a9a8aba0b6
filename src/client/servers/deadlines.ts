/** Thousands of timeouts on one timer. */
import { MAX_TIMER_MS } from "../timers.ts";
import { Fifo } from "./fifo.ts";

/** Something that is done at a later time, unless it is cancelled. */
export interface Deadline {
  cancelled: boolean;
  readonly at: number;
  readonly due: () => void;
}

/** The timer is unref'd: it does not keep the process running. */
export class Deadlines {
  /** By delay. Deadlines with the same delay come due in the order in which they were added, so only the head is checked. */
  readonly #queues = new Map<number, Fifo<Deadline>>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #timerAt = Number.POSITIVE_INFINITY;

  /** Calls `due` in `delay` ms, or a few ms later. Use few different delays: each one has a queue. */
  add(delay: number, due: () => void): Deadline {
    const deadline = { cancelled: false, at: performance.now() + delay, due };
    const queue = this.#queues.get(delay) ?? new Fifo();
    this.#queues.set(delay, queue);
    // Frees the memory of cancelled deadlines now, not only when they would be due.
    queue.peek();
    queue.push(deadline);
    this.#arm(deadline.at);
    return deadline;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#queues.clear();
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const wait = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#run(), Math.min(wait, MAX_TIMER_MS)).unref();
  }

  #run(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [delay, queue] of this.#queues) {
      let first = queue.peek();
      for (; first !== undefined && first.at <= now; first = queue.peek()) {
        queue.drop();
        first.due();
      }
      if (first === undefined) this.#queues.delete(delay);
      else next = Math.min(next, first.at);
    }
    this.#arm(next);
  }
}
