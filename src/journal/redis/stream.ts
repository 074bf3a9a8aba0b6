/**
 * The stream of a journal in Redis: its commands, and the difference between Redis's clock and the registry's, which does not
 * step when the clock of this machine does.
 *
 * A batch is the field `d` of an entry, in base64: Bun's client decodes replies as UTF-8 (except that of GET), which
 * would corrupt raw bytes.
 */
import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import { DEVICE_RETENTION_MS } from "../device.ts";
import type { RegistryClock } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";

const FIELD = "d";
/**
 * The most entries in one reply. The first reply has one entry only: the size of entries and the speed of the network
 * are unknown then.
 */
const MAX_READ = 64;
/** After a reply of more characters, half as many entries are asked for: parsing a reply blocks the thread. */
const LARGE_REPLY = 2_000_000;
/** The same after a reply that took longer, in ms: a starting server gives up if no entry comes for 5 s. */
const SLOW_MS = 1_000;
/** The clock is read this many times, and more often while no reply is exact to CLOCK_GOOD_MS. The fastest counts. */
const MIN_CLOCK_READS = 3;
const MAX_CLOCK_READS = 10;
const CLOCK_GOOD_MS = 2;
/** The registry's clock may lag this much behind the system's, in ms: both count whole milliseconds. */
const CLOCK_ERROR = 2;
/** A measured clock difference stays in use until it is off by more than this, in ms: docs/scaling.md explains it. */
const CLOCK_TOLERANCE = 50;
/** A larger change of the difference means that Redis's clock was set. */
export const STEP_MS = 1_000;
/** Entries are trimmed from the stream this much later than they expire, in ms. */
const TRIM_MARGIN = 60_000;
/** Entries are read from this much earlier than announcements can be valid, in ms. */
const READ_MARGIN = 1_000;

export interface StreamEntry {
  readonly id: string;
  /** The batch in base64; undefined if the entry has no such field. */
  readonly data: string | undefined;
}

export class RedisStream {
  readonly key: string;
  readonly #retentionMs: number;
  readonly #clock: RegistryClock;
  /** How far Redis's clock is ahead of the registry's, in ms. */
  #shift: number | undefined;
  /**
   * Entries that look old may not be old if they were appended before this time of the registry's clock, so nothing is trimmed
   * because of its age until they have expired.
   */
  #doubtedUntil = 0;
  /** The time in the id of the last entry with devices that was read. A server reads its own entries, too. */
  #lastDevices = Number.NEGATIVE_INFINITY;
  readonly #trimmedKey: string;
  /** Entries to ask for in the next reply. */
  #count = 1;

  constructor(prefix: string, retentionMs: number, clock: RegistryClock) {
    this.#clock = clock;
    this.key = `${prefix}:journal`;
    this.#trimmedKey = `${prefix}:trimmed`;
    this.#retentionMs = retentionMs;
  }

  /** How far Redis's clock is ahead of the registry's, in ms; 0 before it is measured. */
  get shift(): number {
    return this.#shift ?? 0;
  }

  /** Whether the clocks were compared. */
  get measured(): boolean {
    return this.#shift !== undefined;
  }

  /** The time by Redis's clock. */
  now(): number {
    return this.#clock.now() + this.shift;
  }

  /**
   * A position in the stream from which a reader gets every announcement that may still be valid. It does not know yet
   * whether there are devices in the stream; if there are none, the earlier part was trimmed.
   */
  get beginning(): string {
    return this.#idBefore(Math.max(this.#retentionMs, DEVICE_RETENTION_MS) + MAX_CLOCK_SKEW + READ_MARGIN);
  }

  /** Entries before this one may have been trimmed because of their age. */
  get oldest(): string {
    return this.#idBefore(this.#keepMs + TRIM_MARGIN);
  }

  /** How long entries are kept: as long as nodes are valid, and, while the stream has devices, as long as those are. */
  get #keepMs(): number {
    const hasDevices = this.#lastDevices >= this.now() - DEVICE_RETENTION_MS - TRIM_MARGIN;
    return hasDevices ? Math.max(this.#retentionMs, DEVICE_RETENTION_MS) : this.#retentionMs;
  }

  #idBefore(ms: number): string {
    return `${Math.max(0, Math.floor(this.now() - ms))}-0`;
  }

  /** An entry with devices was read. */
  noteDevices(id: string): void {
    this.#lastDevices = Math.max(this.#lastDevices, timeOf(id));
  }

  /**
   * Whether a server may have trimmed the entry because of its age. A server that has not seen any device keeps entries only as
   * long as nodes are valid.
   */
  isExpired(id: string): boolean {
    return timeOf(id) < this.now() - this.#retentionMs;
  }

  /** Compares the clocks. Returns by how many ms the difference has changed, or undefined if it has not. */
  async measureClock(connection: RedisConnection): Promise<number | undefined> {
    let best = { shift: 0, error: Number.POSITIVE_INFINITY };
    for (let reads = 0; reads < MIN_CLOCK_READS || (reads < MAX_CLOCK_READS && best.error > CLOCK_GOOD_MS); reads++) {
      const sent = performance.now();
      const [seconds, micros] = (await connection.send("TIME", [])) as [string, string];
      const error = (performance.now() - sent) / 2;
      const shift = Number(seconds) * 1000 + Number(micros) / 1000 + error - this.#clock.now();
      if (error < best.error) best = { shift, error };
    }
    const within = (shift: number, tolerance: number) =>
      Math.abs(best.shift - shift) <= best.error + CLOCK_ERROR + tolerance;
    const before = this.#shift;
    if (before !== undefined && within(before, CLOCK_TOLERANCE)) return undefined;
    // A difference within the error of the measurement counts as 0: the clocks are probably synchronized (by NTP, for
    // instance), which is more exact than this measurement.
    this.#shift = within(0, 0) ? 0 : Math.round(best.shift);
    const moved = this.#shift - (before ?? 0);
    // Entries may look older than they are: this clock was set ahead, or that may have happened before this server started.
    if (before === undefined) this.#doubtedUntil = this.#clock.now();
    else if (moved > STEP_MS) this.#doubtedUntil = this.#clock.now() + TRIM_MARGIN;
    return moved;
  }

  /** @returns the id of the new entry */
  async append(connection: RedisConnection, batch: Uint8Array, trim: boolean): Promise<string> {
    const certain = this.#clock.now() >= this.#doubtedUntil + this.#keepMs;
    const limit = trim && certain ? ["MINID", "~", this.oldest] : [];
    return (await connection.send("XADD", [this.key, ...limit, "*", FIELD, batch.toBase64()])) as string;
  }

  /** Deletes all entries up to `id`, which were all appended again, and appends a batch. */
  async trim(connection: RedisConnection, id: string, batch: Uint8Array): Promise<void> {
    // First, because the other servers look for this when they miss an entry.
    await connection.send("SET", [this.#trimmedKey, id, "PX", `${Math.ceil(this.#retentionMs + TRIM_MARGIN)}`]);
    const first = `${timeOf(id)}-${numberOf(id) + 1}`;
    await connection.send("XADD", [this.key, "MINID", "=", first, "*", FIELD, batch.toBase64()]);
  }

  /** The last entry that `trim` has deleted on any server; undefined if there is none. */
  async trimmed(connection: RedisConnection): Promise<string | undefined> {
    const id = (await connection.send("GET", [this.#trimmedKey])) as string | null;
    return id !== null && /^\d+-\d+$/.test(id) ? id : undefined;
  }

  /**
   * Reads some entries after `position`. At the end of the stream it waits up to `blockMs` for new ones.
   *
   * @returns `more` is true if as many entries came as were asked for: then there may be more
   */
  async read(
    connection: RedisConnection,
    position: string,
    blockMs: number,
  ): Promise<{ entries: StreamEntry[]; more: boolean }> {
    const block = blockMs > 0 ? ["BLOCK", `${blockMs}`] : [];
    const args = ["COUNT", `${this.#count}`, ...block, "STREAMS", this.key, position];
    const asked = performance.now();
    let reply: Record<string, unknown> | null;
    try {
      reply = (await connection.send("XREAD", args, blockMs)) as typeof reply;
    } catch (error) {
      // The reply may have been too long to arrive before the timeout.
      this.#count = Math.max(1, this.#count >>> 1);
      throw error;
    }
    const entries = reply === null ? [] : (reply[this.key] as unknown[]).map(streamEntry);
    const more = entries.length >= this.#count;
    const size = entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    const slow = blockMs === 0 && performance.now() - asked > SLOW_MS;
    if (size > LARGE_REPLY || slow) this.#count = Math.max(1, this.#count >>> 1);
    else if (more && size * 2 < LARGE_REPLY) this.#count = Math.min(MAX_READ, this.#count * 2);
    return { entries, more };
  }

  /** Whether the stream still has this entry, or has its content in later entries. */
  async has(connection: RedisConnection, id: string): Promise<boolean> {
    if (((await connection.send("XRANGE", [this.key, id, id])) as unknown[]).length > 0) return true;
    const trimmed = await this.trimmed(connection);
    return trimmed !== undefined && !isBefore(trimmed, id);
  }

  /** The number of entries, and their size in Redis's memory. */
  async size(connection: RedisConnection): Promise<{ batches: number; bytes: number }> {
    const batches = (await connection.send("XLEN", [this.key])) as number;
    const bytes = (await connection.send("MEMORY", ["USAGE", this.key, "SAMPLES", "0"])) as number | null;
    return { batches, bytes: bytes ?? 0 };
  }
}

/** The time in an entry's id: ms since 1970 by Redis's clock. */
export function timeOf(id: string): number {
  return Number(id.split("-")[0]);
}

/** Whether the entry with id `one` was appended before the entry with id `other`. */
export function isBefore(one: string, other: string): boolean {
  return timeOf(one) < timeOf(other) || (timeOf(one) === timeOf(other) && numberOf(one) < numberOf(other));
}

/** The number in an entry's id: from 0 on, for the entries that Redis appended within one ms. */
export function numberOf(id: string): number {
  return Number(id.split("-")[1]);
}

function streamEntry(entry: unknown): StreamEntry {
  const [id, fields] = entry as [string, readonly string[] | null];
  const at = fields?.indexOf(FIELD) ?? -1;
  return { id, data: at >= 0 && at % 2 === 0 ? fields![at + 1] : undefined };
}
