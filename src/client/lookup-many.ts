/** `lookupMany`: as many lookups at once as there is room for, with the results in the order of the replies. */
import { describeValue } from "../xdr/describe-value.ts";
import type { Waiter } from "./servers/searches.ts";
import { Stream } from "./stream.ts";
import type { LookupResult } from "./types.ts";

/** The most lookups at once. Many, because the lookup of an unknown node takes its whole timeout. */
const MAX_RUNNING = 16_384;

type NodeId = string | Uint8Array;
type NodeIdIterator = Iterator<NodeId> | AsyncIterator<NodeId>;

export interface BulkLookupOptions {
  readonly signal: AbortSignal | undefined;
  /** Starts one lookup. Returns undefined if the result was known. */
  lookup(nodeId: NodeId, onResult: (result: LookupResult) => void): Waiter | undefined;
  /** Whether too many queries wait to be sent. */
  busy(): boolean;
  /** Called once, when the stream has ended. */
  onEnd(bulk: BulkLookup): void;
}

export class BulkLookup {
  readonly stream: Stream<LookupResult>;
  readonly #options: BulkLookupOptions;
  readonly #ids: NodeIdIterator;
  readonly #running = new Set<Waiter>();
  /** Set when all NodeIDs were read, or reading them has failed. */
  #sourceEnd: { failure?: { reason: unknown } } | undefined;
  /** Set while `#readIds` waits for room: makes it continue. */
  #resume: (() => void) | undefined;

  /** @throws {TypeError} if `ids` cannot be iterated, or is a single NodeID */
  constructor(ids: Iterable<NodeId> | AsyncIterable<NodeId>, options: BulkLookupOptions) {
    this.#options = options;
    this.#ids = iteratorOf(ids);
    this.stream = new Stream(
      () => this.#end(),
      () => this.proceed(),
    );
    this.stream.endOn(options.signal, true);
    if (!this.stream.ended) void this.#readIds();
  }

  /** Goes on reading NodeIDs if there is room again. */
  proceed(): void {
    if (this.#resume === undefined || this.#full) return;
    const resume = this.#resume;
    this.#resume = undefined;
    resume();
  }

  get #full(): boolean {
    if (this.stream.ended) return false;
    return Math.max(this.#running.size, this.stream.size) >= MAX_RUNNING || this.#options.busy();
  }

  async #readIds(): Promise<void> {
    try {
      while (!this.stream.ended) {
        if (this.#full) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
          continue;
        }
        const next = this.#ids.next();
        const { value, done } = "then" in next ? await next : next;
        if (done || this.stream.ended) break;
        this.#lookup(value);
      }
      this.#sourceEnd = {};
    } catch (reason) {
      this.#sourceEnd = { failure: { reason } };
    }
    this.#endIfDone();
  }

  #lookup(nodeId: NodeId): void {
    let waiter: Waiter | undefined;
    waiter = this.#options.lookup(nodeId, (result) => {
      if (waiter !== undefined) this.#running.delete(waiter);
      this.stream.push(result);
      this.#endIfDone();
      this.proceed();
    });
    if (waiter !== undefined) this.#running.add(waiter);
  }

  /** Ends the stream after the last result, with the error of the source if there was one. */
  #endIfDone(): void {
    if (this.#sourceEnd !== undefined && this.#running.size === 0) this.stream.end(this.#sourceEnd.failure);
  }

  #end(): void {
    for (const waiter of this.#running) waiter.cancel();
    this.#running.clear();
    if (this.#sourceEnd === undefined) void closeSource(this.#ids);
    this.proceed();
    this.#options.onEnd(this);
  }
}

/** Rejects a string: it can be iterated too, but gives characters. */
function iteratorOf(ids: Iterable<NodeId> | AsyncIterable<NodeId>): NodeIdIterator {
  if (Object(ids) === ids && !(ids instanceof Uint8Array)) {
    if (Symbol.asyncIterator in ids) return ids[Symbol.asyncIterator]();
    if (Symbol.iterator in ids) return ids[Symbol.iterator]();
  }
  throw new TypeError(`lookupMany takes an array or another iterable of NodeIDs, not ${describeValue(ids)}`);
}

/**
 * Tells a source that was not read to its end that it can release its resources. Callers do not await this, because the
 * source may take long.
 */
async function closeSource(ids: NodeIdIterator): Promise<void> {
  try {
    await ids.return?.();
  } catch {
    // No NodeIDs are read any more, so the error does not matter.
  }
}
