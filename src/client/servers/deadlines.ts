/** Thousands of timeouts on one timer. */
import { MAX_TIMER_MS } from "../timers.ts";

/** Something to do at a later time. */
export interface Deadline {
  /** If true, `due` is not called. */
  cancelled: boolean;
  due(): void;
}

interface Scheduled {
  readonly at: number;
  readonly deadline: Deadline;
}

/** Deadlines with the same delay. They come due in the order in which they were added, so only the head is checked. */
class Queue {
  #list: Scheduled[] = [];
  #head = 0;

  push(scheduled: Scheduled): void {
    this.#list.push(scheduled);
  }

  /** The first that is not cancelled. */
  peek(): Scheduled | undefined {
    while (this.#head < this.#list.length && this.#list[this.#head]!.deadline.cancelled) this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#head);
      this.#head = 0;
    }
    return this.#list[this.#head];
  }

  shift(): void {
    this.#head++;
  }
}

/** The timer is unref'd: it does not keep the process running. */
export class Deadlines {
  /** By delay. */
  readonly #queues = new Map<number, Queue>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #timerAt = Number.POSITIVE_INFINITY;

  /** Calls `deadline.due` in `delay` ms, or a few ms later. Use few different delays: each one has a queue. */
  add(delay: number, deadline: Deadline): void {
    const at = performance.now() + delay;
    let queue = this.#queues.get(delay);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(delay, queue);
    }
    // Frees the memory of cancelled deadlines now, not only when they would be due.
    queue.peek();
    queue.push({ at, deadline });
    this.#arm(at);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [delay, queue] of this.#queues) {
      let scheduled = queue.peek();
      for (; scheduled !== undefined && scheduled.at <= now; scheduled = queue.peek()) {
        queue.shift();
        scheduled.deadline.due();
      }
      if (scheduled === undefined) this.#queues.delete(delay);
      else next = Math.min(next, scheduled.at);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
