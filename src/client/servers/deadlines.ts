/** Thousands of time-outs on one timer. */

/** What is called when its time has come, unless it was cancelled. */
export interface Deadline {
  cancelled: boolean;
  due(): void;
}

interface Waiting {
  readonly at: number;
  readonly deadline: Deadline;
}

/** Those that wait equally long come due in the order they came in: a queue, of which only the head is looked at. */
class Queue {
  #list: Waiting[] = [];
  #head = 0;

  push(waiting: Waiting): void {
    this.#list.push(waiting);
  }

  /** The first that is not cancelled. */
  peek(): Waiting | undefined {
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

/** The longest that a timer of JavaScript can wait. It is then set again. */
const LONGEST_MS = 2 ** 31 - 1;

export class Deadlines {
  readonly #queues = new Map<number, Queue>();
  #timer: Timer | undefined;
  /** When the timer fires. */
  #at = Number.POSITIVE_INFINITY;

  /** Has `deadline` called in `delay` ms, or a few ms later. Delays are to be few and far between in kind: each has a queue. */
  add(delay: number, deadline: Deadline): void {
    const at = performance.now() + delay;
    let queue = this.#queues.get(delay);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(delay, queue);
    }
    // What was answered in the meantime is let go here, not when its time comes.
    queue.peek();
    queue.push({ at, deadline });
    this.#arm(at);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    this.#queues.clear();
  }

  #arm(at: number): void {
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    const wait = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#run(), Math.min(wait, LONGEST_MS));
  }

  #run(): void {
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [delay, queue] of this.#queues) {
      let waiting = queue.peek();
      for (; waiting !== undefined && waiting.at <= now; waiting = queue.peek()) {
        queue.shift();
        waiting.deadline.due();
      }
      if (waiting === undefined) this.#queues.delete(delay);
      else next = Math.min(next, waiting.at);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
