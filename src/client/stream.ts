/** What one side pushes and the other iterates over. */
export class Stream<T> implements AsyncIterableIterator<T> {
  #values: T[] = [];
  #head = 0;
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  readonly #onEnd: () => void;
  readonly #onTake: () => void;

  /**
   * @param onEnd called once, when either side has ended it.
   * @param onTake called when a value was taken.
   */
  constructor(onEnd: () => void, onTake: () => void = () => {}) {
    this.#onEnd = onEnd;
    this.#onTake = onTake;
  }

  /** Values that nobody has taken yet. */
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

  /** Ends it behind what was pushed, with an error if there is a `failure`. */
  end(failure?: { readonly reason: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    for (const waiting of this.#waiting.splice(0)) this.#last(waiting);
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
    const waiting = Promise.withResolvers<IteratorResult<T>>();
    if (this.#ended) this.#last(waiting);
    else this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** The loop was left: what is still there is of no use. */
  return(): Promise<IteratorResult<T>> {
    this.#values = [];
    this.#head = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The error once, then and otherwise the end. */
  #last(waiting: PromiseWithResolvers<IteratorResult<T>>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) waiting.resolve({ value: undefined, done: true });
    else waiting.reject(failure.reason);
  }
}
