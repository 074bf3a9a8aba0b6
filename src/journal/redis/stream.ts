/**
 * The stream of a journal in Redis: its commands, and its clock.
 *
 * A batch is the field `d` of an entry, in base64: Bun's client takes replies for UTF-8 (all but that of GET), so bytes as they
 * are would not come back.
 */
import type { RedisConnection } from "./connection.ts";

const FIELD = "d";
/** Entries read at once, at most. The first reading is of one: nobody knows how large they are, and how slow the way is. */
const READ_MOST = 64;
/** Characters of a reply that is large: the next is to be half of it, for it is taken apart in one go. */
const LARGE = 2_000_000;
/** Or slow, in ms: a server that starts waits no longer than 5 s for something to come. */
const SLOW_MS = 1_000;
/** Answers of the clock, of which the fastest counts: so many, and more while none is good to so many ms. */
const CLOCK_LEAST = 3;
const CLOCK_MOST = 10;
const CLOCK_GOOD = 2;
/** A difference of clocks that was measured stays in use until another differs by more, in ms: see docs/scaling.md. */
const CLOCK_TOLERANCE = 50;
/** What is kept in the stream beyond the retention, in ms. */
const TRIM_MARGIN = 60_000;

export interface StreamEntry {
  readonly id: string;
  /** The batch in base64; undefined if it has none. */
  readonly data: string | undefined;
}

export class RedisStream {
  readonly key: string;
  readonly #retentionMs: number;
  /** What Redis's clock shows more than this machine's, in ms. */
  #shift: number | undefined;
  #count = 1;

  constructor(prefix: string, retentionMs: number) {
    this.key = `${prefix}:journal`;
    this.#retentionMs = retentionMs;
  }

  get shift(): number {
    return this.#shift ?? 0;
  }

  /** Now, by Redis's clock. */
  now(): number {
    return Date.now() + this.shift;
  }

  /** The position before all that may still hold. */
  get beginning(): string {
    // An announcement may have been taken a second ahead of its time.
    return `${Math.max(0, Math.floor(this.now() - this.#retentionMs - 2000))}-0`;
  }

  /** Whether what was appended as `id` may have been trimmed, its time being over. */
  isOver(id: string): boolean {
    return timeOf(id) < this.now() - this.#retentionMs;
  }

  /** Compares the clocks. Returns by how much this machine's was found to have moved, if it was. */
  async measure(connection: RedisConnection): Promise<number | undefined> {
    let best = { shift: 0, error: Number.POSITIVE_INFINITY };
    for (let asked = 0; asked < CLOCK_LEAST || (asked < CLOCK_MOST && best.error > CLOCK_GOOD); asked++) {
      const sent = performance.now();
      const [seconds, micros] = (await connection.ask("TIME", [])) as [string, string];
      const error = (performance.now() - sent) / 2;
      const shift = Number(seconds) * 1000 + Number(micros) / 1000 + error - Date.now();
      if (error < best.error) best = { shift, error };
    }
    // Date.now() tells whole milliseconds.
    const within = (shift: number, tolerance: number) => Math.abs(best.shift - shift) <= best.error + 1 + tolerance;
    const before = this.#shift;
    if (before !== undefined && within(before, CLOCK_TOLERANCE)) return undefined;
    // Clocks that may be the same are: they are kept so by better means.
    this.#shift = within(0, 0) ? 0 : Math.round(best.shift);
    return this.#shift - (before ?? 0);
  }

  /** @returns the entry's id. */
  async append(connection: RedisConnection, batch: Uint8Array, trim: boolean): Promise<string> {
    const oldest = Math.max(0, Math.floor(this.now() - this.#retentionMs - TRIM_MARGIN));
    const args = [this.key, ...(trim ? ["MINID", "~", `${oldest}`] : []), "*", FIELD, batch.toBase64()];
    return (await connection.ask("XADD", args)) as string;
  }

  /**
   * What stands behind `position`, some of it: nothing at the end, after `block` ms of waiting for more.
   * @returns `more`: it was as much as was asked for.
   */
  async read(
    connection: RedisConnection,
    position: string,
    block: number,
  ): Promise<{ entries: StreamEntry[]; more: boolean }> {
    const wait = block > 0 ? ["BLOCK", `${block}`] : [];
    const args = ["COUNT", `${this.#count}`, ...wait, "STREAMS", this.key, position];
    const asked = performance.now();
    let reply: Record<string, unknown> | null;
    try {
      reply = (await connection.ask("XREAD", args, block)) as typeof reply;
    } catch (error) {
      // Perhaps it was more than comes by this way in the time that an answer may take.
      this.#count = Math.max(1, this.#count >>> 1);
      throw error;
    }
    const entries = reply === null ? [] : (reply[this.key] as unknown[]).map(streamEntry);
    const more = entries.length >= this.#count;
    const size = entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    const slow = block === 0 && performance.now() - asked > SLOW_MS;
    if (size > LARGE || slow) this.#count = Math.max(1, this.#count >>> 1);
    else if (more && size * 2 < LARGE) this.#count = Math.min(READ_MOST, this.#count * 2);
    return { entries, more };
  }

  async has(connection: RedisConnection, id: string): Promise<boolean> {
    return ((await connection.ask("XRANGE", [this.key, id, id])) as unknown[]).length > 0;
  }

  /** Entries, and bytes of memory. */
  async size(connection: RedisConnection): Promise<{ batches: number; bytes: number }> {
    const batches = (await connection.ask("XLEN", [this.key])) as number;
    const bytes = (await connection.ask("MEMORY", ["USAGE", this.key, "SAMPLES", "0"])) as number | null;
    return { batches, bytes: bytes ?? 0 };
  }
}

/** The time in an id, in ms since 1970 by Redis's clock. */
export function timeOf(id: string): number {
  return Number(id.split("-")[0]);
}

/** Whether what has the id `one` was appended before `other`. */
export function isBefore(one: string, other: string): boolean {
  return timeOf(one) < timeOf(other) || (timeOf(one) === timeOf(other) && numberOf(one) < numberOf(other));
}

function numberOf(id: string): number {
  return Number(id.split("-")[1]);
}

function streamEntry(entry: unknown): StreamEntry {
  const [id, fields] = entry as [string, readonly string[] | null];
  const at = fields?.indexOf(FIELD) ?? -1;
  return { id, data: at >= 0 && at % 2 === 0 ? fields![at + 1] : undefined };
}
