/** The time from the start of a discoverer to its end: its events and streams, its failures, and whether it keeps the process running. */
import { onAbort } from "./abort.ts";
import type { DiscoveryError } from "./error.ts";
import { Emitter } from "./events.ts";
import { MAX_TIMER_MS } from "./timers.ts";
import { Watch } from "./watch.ts";

/** @typeParam E - all events; `C` - those of changes on the LAN */
export class Session<E extends { error: DiscoveryError }, C extends { readonly type: keyof E }> extends Emitter<E> {
  /** How many `error` events there were, and the last of them. */
  failures: { readonly errors: number; readonly lastError: DiscoveryError | undefined } = {
    errors: 0,
    lastError: undefined,
  };
  readonly #keyOf: (change: C) => string;
  readonly #watches = new Set<Watch<C>>();
  /**
   * The one handle that keeps the process running. All sockets and other timers are unref'd when they are created, so
   * {@link unref} covers those that are opened later as well.
   */
  readonly #keepAlive = setInterval(() => {}, MAX_TIMER_MS);
  /** Removes the listener of the signal that closes the discoverer. */
  #forgetSignal = () => {};

  /**
   * @param names - of the events
   * @param keyOf - changes with the same key are of one node
   */
  constructor(names: readonly (keyof E)[], keyOf: (change: C) => string) {
    super(names);
    this.#keyOf = keyOf;
  }

  /** @param close - closes the discoverer when the signal is aborted */
  started(signal: AbortSignal | undefined, close: () => void): void {
    this.#forgetSignal = onAbort(signal, close);
    signal?.throwIfAborted();
    // Deferred, so that the caller can add listeners before the first event.
    setImmediate(() => this.flush());
  }

  /** Something failed, and will be retried. */
  readonly failed = (error: DiscoveryError): void => {
    this.failures = { errors: this.failures.errors + 1, lastError: error };
    this.emit("error", error as E["error"]);
  };

  readonly changed = (change: C): void => {
    this.emit(change.type, change as never);
    for (const watch of this.#watches) watch.add(change);
  };

  /** @param current - what the stream begins with */
  watch(current: readonly C[], signal: AbortSignal | undefined): AsyncIterable<C> {
    const watch = new Watch(this.#keyOf, () => this.#watches.delete(watch));
    watch.stream.endOn(signal, false);
    for (const change of current) watch.add(change);
    if (this.closed) watch.stream.end();
    if (!watch.stream.ended) this.#watches.add(watch);
    return watch.stream;
  }

  ref(): void {
    if (!this.closed) this.#keepAlive.ref();
  }

  unref(): void {
    this.#keepAlive.unref();
  }

  /** Ends all streams. No event is delivered any more. @returns whether it was open */
  override close(): boolean {
    if (!super.close()) return false;
    this.#forgetSignal();
    clearInterval(this.#keepAlive);
    for (const { stream } of [...this.#watches]) stream.end();
    return true;
  }
}
