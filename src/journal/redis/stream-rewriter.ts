/**
 * Rewrites a stream that is mostly repetition, or has times from before Redis's clock was set. A server that has read
 * everything up to some entry appends its whole registry. Then that entry and all before it are trimmed. The key
 * `PREFIX:trimmed` tells the other servers that this is no loss of data.
 *
 * A crash in between leaves all entries, some of them twice. A server that has not read the trimmed entries yet reads
 * the ones that replace them. One server at a time does this: the one with the lease, the key `PREFIX:rewrite`.
 */
import { BatchWriter } from "../batch/index.ts";
import type { JournalRegistry } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";
import { Lease } from "./lease.ts";
import { isBefore, type RedisStream } from "./stream.ts";
import { StreamCount } from "./stream-count.ts";

/**
 * The stream is rewritten when it has more announcements than the number of nodes and devices times this factor, plus this
 * margin. An announcement of a device takes the space of some four of nodes in Redis, and of sixty at most.
 */
const FACTOR = 2;
const MARGIN = 50_000;
/** The least pause between two attempts. */
const PAUSE_MS = 5_000;

interface State {
  readonly connection: RedisConnection;
  readonly registry: JournalRegistry;
  /** The last entry that was read and merged. */
  readonly position: string;
  /** Whether all up to `position` was merged, and no loss of data was noticed since. */
  readonly intact: () => boolean;
}

export class StreamRewriter {
  readonly #stream: RedisStream;
  readonly #prefix: string;
  readonly #origin: string;
  readonly #count = new StreamCount();
  /** The last entry that this version cannot read. */
  #unread: string | undefined;
  /** The last entry that may have times from before Redis's clock was set. */
  #stale: string | undefined;
  #running = false;
  #next = 0;

  constructor(stream: RedisStream, prefix: string, origin: string) {
    this.#stream = stream;
    this.#prefix = prefix;
    this.#origin = origin;
  }

  /** An entry of the stream was read; `count` is undefined if it is not a batch that this version can read. */
  read(id: string, count: number | undefined): void {
    if (count === undefined) this.#unread = id;
    else this.#count.add(id, count);
  }

  /** The stream is read from its beginning again. */
  restart(): void {
    this.#count.clear();
  }

  /** Redis's clock was set: entries up to `id` may have other times than those that are appended from now on. */
  clockWasSet(id: string): void {
    this.#stale = id;
    this.#next = 0;
  }

  /** To be called when the end of the stream was read. Logs nothing: a failure to append or to connect is logged there. */
  async rewriteIfNeeded(state: State): Promise<void> {
    this.#count.drop(this.#stream.oldest);
    const { registry, position } = state;
    const live = registry.nodes + registry.devices;
    const repetitive = this.#count.total > FACTOR * live + MARGIN && this.#complete(state);
    const needed = this.#stale ?? (repetitive ? this.#count.first : undefined);
    if (needed === undefined || isBefore(position, needed)) return;
    if (this.#running || !state.intact() || performance.now() < this.#next) return;
    this.#running = true;
    this.#next = performance.now() + PAUSE_MS;
    try {
      await this.#rewrite(state, needed);
    } catch {
      // Tried again after the pause.
    } finally {
      this.#running = false;
    }
  }

  /** @throws {JournalError} */
  async #rewrite(state: State, needed: string): Promise<void> {
    const { connection, registry, position } = state;
    const lease = await Lease.take(connection, `${this.#prefix}:rewrite`, this.#origin);
    try {
      let trimmed = await this.#stream.trimmed(connection);
      const stale = this.#stale;
      // Another server may have done it, or be about to.
      if (lease && (trimmed === undefined || isBefore(trimmed, needed))) {
        await registry.appendAll();
        if (this.#complete(state)) {
          if (!(await lease.held()) || !state.intact()) return;
          // XADD can trim, and the servers have the right to use it. It adds an empty batch.
          const { bytes } = new BatchWriter(Uint8Array.fromHex(this.#origin)).seal();
          await this.#stream.trim(connection, position, bytes);
          trimmed = position;
        } else if (state.intact() && this.#stale === stale) this.#stale = undefined;
      }
      if (trimmed === undefined) return;
      this.#count.drop(trimmed);
      if (this.#stale !== undefined && !isBefore(trimmed, this.#stale)) this.#stale = undefined;
    } finally {
      await lease?.release();
    }
  }

  /** Whether the registry has all that is in the stream up to the position and has not expired. */
  #complete({ registry, intact }: State): boolean {
    const read = this.#unread === undefined || isBefore(this.#unread, this.#stream.oldest);
    return read && registry.noRoom === 0 && registry.displaced === 0 && intact();
  }
}
