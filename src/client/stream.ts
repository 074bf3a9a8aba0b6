import { onAbort } from "./abort.ts";
import { type Deferred, withResolvers } from "./with-resolvers.ts";

/** An async iterator of the values that are pushed into it. */
export class Stream<T> implements AsyncIterableIterator<T> {
  #values: T[] = [];
  #head = 0;
  #waiting: Deferred<IteratorResult<T>>[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  readonly #onEnd: () => void;
  readonly #onTake: () => void;
  #forgetSignal = () => {};

  /**
   * @param onEnd - is called once, when either side has ended the stream
   * @param onTake - is called when a value was taken
   */
  constructor(onEnd: () => void, onTake: () => void = () => {}) {
    this.#onEnd = onEnd;
    this.#onTake = onTake;
  }

  /** How many values were pushed and not taken yet. */
  get size(): number {
    return this.#values.length - this.#head;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(value: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting.resolve({ value, done: false });
    else this.#values.push(value);
  }

  /** Ends the stream when the signal is aborted. @param fails - with the signal's reason as error */
  endOn(signal: AbortSignal | undefined, fails: boolean): void {
    this.#forgetSignal = onAbort(signal, () => this.end(fails ? signal : undefined));
  }

  /** Ends the stream after the values so far; with an error if there is a `failure`. */
  end(failure?: { readonly reason: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#forgetSignal();
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
    this.#onEnd();
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#head < this.#values.length) {
      const value = this.#values[this.#head++]!;
      if (this.#head === this.#values.length) {
        this.#values = [];
        this.#head = 0;
      }
      this.#onTake();
      return Promise.resolve({ value, done: false });
    }
    const waiting = withResolvers<IteratorResult<T>>();
    if (this.#ended) this.#finish(waiting);
    else this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** The reader has left its loop, so the remaining values are dropped. */
  return(): Promise<IteratorResult<T>> {
    this.#values = [];
    this.#head = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Answers a read after the end: the first one gets the error, if there is one. */
  #finish(waiting: Deferred<IteratorResult<T>>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) waiting.resolve({ value: undefined, done: true });
    else waiting.reject(failure.reason);
  }
}
