/** Many look-ups as one stream: as many under way as there is room for, answers as they come. */
import { Stream } from "../stream.ts";
import type { NodeAddress } from "../types.ts";

/** Look-ups under way at a time. Those of unknown nodes stay for their whole time-out, so there have to be many. */
const UNDER_WAY = 16_384;

/** One node that {@link Discoverer.lookupMany} was asked for. */
export interface LookupResult {
  /** Its bytes, those of the text where it was asked for by text. */
  readonly nodeId: Uint8Array;
  /** Where it is; `undefined` if nobody answered in time. */
  readonly address: NodeAddress | undefined;
}

type NodeId = string | Uint8Array;

export interface ManyOptions {
  readonly signal: AbortSignal | undefined;
  /** Begins one look-up; what it returns calls it off. */
  begin(nodeId: NodeId, answered: (nodeId: Uint8Array, address: NodeAddress | undefined) => void): () => void;
  /** Whether queries pile up. */
  busy(): boolean;
  /** Called once, when the stream has ended. */
  onEnd(many: Many): void;
}

export class Many {
  readonly stream: Stream<LookupResult>;
  readonly #options: ManyOptions;
  readonly #ids: Iterator<NodeId> | AsyncIterator<NodeId>;
  readonly #underWay = new Set<() => void>();
  /** No more NodeIDs, and why if there should have been. */
  #fed: { failure?: { reason: unknown } } | undefined;
  #go: (() => void) | undefined;
  readonly #abort = () => this.stream.end({ reason: this.#options.signal?.reason });

  constructor(ids: Iterable<NodeId> | AsyncIterable<NodeId>, options: ManyOptions) {
    this.#options = options;
    this.#ids = Symbol.asyncIterator in ids ? ids[Symbol.asyncIterator]() : ids[Symbol.iterator]();
    this.stream = new Stream(
      () => this.#end(),
      () => this.proceed(),
    );
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
    else void this.#feed();
  }

  /** Goes on, if it had stopped because there was no room and there is now. */
  proceed(): void {
    if (this.#go === undefined || this.#full) return;
    const go = this.#go;
    this.#go = undefined;
    go();
  }

  /** Takes no more NodeIDs; ends when those under way are answered. */
  stop(): void {
    if (this.#fed !== undefined) return;
    this.#fed = {};
    void closeSource(this.#ids);
    this.#finish();
    this.proceed();
  }

  get #full(): boolean {
    if (this.stream.ended || this.#fed !== undefined) return false;
    return this.#underWay.size >= UNDER_WAY || this.stream.size >= UNDER_WAY || this.#options.busy();
  }

  async #feed(): Promise<void> {
    try {
      while (!this.stream.ended && this.#fed === undefined) {
        if (this.#full) {
          await new Promise<void>((resolve) => {
            this.#go = resolve;
          });
          continue;
        }
        const next = this.#ids.next();
        const { value, done } = next instanceof Promise ? await next : next;
        if (done || this.stream.ended || this.#fed !== undefined) break;
        this.#one(value);
      }
      this.#fed ??= {};
    } catch (reason) {
      this.#fed ??= { failure: { reason } };
    }
    this.#finish();
  }

  #one(nodeId: NodeId): void {
    let callOff: (() => void) | undefined;
    let done = false;
    callOff = this.#options.begin(nodeId, (nodeId, address) => {
      done = true;
      if (callOff !== undefined) this.#underWay.delete(callOff);
      this.stream.push({ nodeId, address });
      this.#finish();
      this.proceed();
    });
    if (!done) this.#underWay.add(callOff);
  }

  /** What was begun before the source failed is still answered. */
  #finish(): void {
    if (this.#fed !== undefined && this.#underWay.size === 0) this.stream.end(this.#fed.failure);
  }

  #end(): void {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    for (const callOff of this.#underWay) callOff();
    this.#underWay.clear();
    if (this.#fed === undefined) void closeSource(this.#ids);
    this.proceed();
    this.#options.onEnd(this);
  }
}

/** Lets a source that was not read to its end close what it holds. Not waited for: it may be waiting itself. */
async function closeSource(ids: Iterator<NodeId> | AsyncIterator<NodeId>): Promise<void> {
  try {
    await ids.return?.();
  } catch {
    // Nobody asks for its NodeIDs any more.
  }
}
