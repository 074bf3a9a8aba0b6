/**
 * When a node announces itself on the LAN: at regular intervals, soon after a new node was heard, and some seconds after an
 * interface was first used. Contains no clock and no socket: the caller passes the time and does what is due.
 *
 * If all nodes answered at once, packets would be lost. If they answered each new node by itself, a thousand that start
 * together would cause a million answers. So answers are delayed at random, and one answer serves all who asked meanwhile.
 * Both times grow with the number of nodes: together they send at most about 500 answers a second at first, and 100 a second
 * on average.
 */

/** An answer is delayed by a random time up to the longer of these, in ms. */
const ANSWER_DELAY = 200;
const ANSWER_DELAY_PER_NODE = 2;
/** The shortest time between two answers is the longer of these, in ms. */
const ANSWER_INTERVAL = 1_000;
const ANSWER_INTERVAL_PER_NODE = 10;

/**
 * The first announcement on an interface is repeated after these times, in ms. Wi-Fi does not resend lost broadcasts, and the
 * next announcement would be half a minute away. mDNS sends at least two, a second apart (RFC 6762 §8.3), and then doubles the
 * time, because losses come in bursts.
 */
const REPEATS = [1_000, 3_000];
/** A repeat is up to this much later, in ms, so that nodes that started together do not repeat together. */
const REPEAT_JITTER = 300;
/** A target is young until it has had so many repeats, however late they are. */
export const REPEATS_EACH = REPEATS.length;

/** The regular interval is up to this share shorter, so that nodes that started together do not stay together. */
const INTERVAL_JITTER = 0.1;

export class Schedule {
  readonly #interval: number;
  readonly #random: () => number;
  #regularAt = Number.POSITIVE_INFINITY;
  #answerAt = Number.POSITIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #repeatsAt: number[] = [];

  /** @param interval - between two regular announcements, in ms */
  constructor(interval: number, random = Math.random) {
    this.#interval = interval;
    this.#random = random;
  }

  /** When {@link take} has something next. */
  get at(): number {
    return Math.min(this.#regularAt, this.#answerAt, this.#repeatsAt[0] ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Returns the announcement that is due, and takes it off the schedule: on all targets, or only on those that are new.
   * `undefined` if none is due.
   */
  take(now: number): "all" | "young" | undefined {
    if (now >= this.#regularAt || now >= this.#answerAt) {
      this.announced(now);
      return "all";
    }
    if (now < (this.#repeatsAt[0] ?? Number.POSITIVE_INFINITY)) return undefined;
    this.#repeatsAt.shift();
    return "young";
  }

  /** The node announces itself on all targets. That answers all who have asked so far. */
  announced(now: number): void {
    this.#regularAt = now + this.#interval * (1 - INTERVAL_JITTER * this.#random());
    if (this.#answerAt !== Number.POSITIVE_INFINITY) this.#answeredAt = now;
    this.#answerAt = Number.POSITIVE_INFINITY;
  }

  /** There are new targets, and the first announcement is sent to them. */
  started(now: number): void {
    this.#repeatsAt = REPEATS.map((delay) => now + delay + REPEAT_JITTER * this.#random());
  }

  /** A node was heard that may not know this one. An answer that is due soon will do for it. */
  answer(now: number, nodes: number): void {
    if (this.#answerAt !== Number.POSITIVE_INFINITY) return;
    const delay = this.#random() * Math.max(ANSWER_DELAY, nodes * ANSWER_DELAY_PER_NODE);
    const interval = Math.max(ANSWER_INTERVAL, nodes * ANSWER_INTERVAL_PER_NODE);
    this.#answerAt = Math.max(now + delay, this.#answeredAt + interval);
  }
}
