/**
 * Restores a stream after Redis has lost data.
 *
 * Every server appends its own announcements again. But the servers that made some of the others may have stopped since.
 * The running servers have read those announcements. So one of them appends everything that it knows: the first that
 * takes the lease, which is the key `PREFIX:refill` in Redis. While it does so, the key's value is `busy ORIGIN`.
 * Afterwards it is `done BEGAN LAST KNOWN` (see `fill`).
 */
import { JournalError } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";
import { Lease } from "./lease.ts";
import { isBefore, type RedisStream, timeOf } from "./stream.ts";

/** How often to check whether the holder of the lease has finished. */
const POLL_MS = 2_000;

export interface Refill {
  readonly connection: RedisConnection;
  readonly stream: RedisStream;
  readonly prefix: string;
  readonly retentionMs: number;
  /** Identifies this server. */
  readonly origin: string;
  /** The id of an entry that Redis has lost. */
  readonly missing: string;
  /** The last entry that this server had read when it noticed the loss. */
  readonly known: string;
  /** Appends everything; resolves with the id of the last entry appended. */
  readonly appendAll: () => Promise<string>;
  readonly stopped: () => boolean;
}

/**
 * Resolves when this server, or another one that had read the missing entry, has appended everything again.
 *
 * @throws {JournalError}
 */
export async function refillStream(options: Refill): Promise<void> {
  const { connection, origin, stopped } = options;
  const key = `${options.prefix}:refill`;
  while (!stopped()) {
    const lease = await Lease.take(connection, key, origin);
    if (lease) return await fill(options, lease);
    const value = ((await connection.send("GET", [key])) as string | null) ?? "";
    const done = /^done (\d+) (\d+-\d+) (\d+-\d+)$/.exec(value);
    if (done) {
      // The refill of another server is enough on three conditions: it began after the missing entry was appended, that
      // server had read the stream at least up to the missing entry, and the last entry of the refill is still there.
      const [, began, last, known] = done as unknown as [string, string, string, string];
      const enough = Number(began) > timeOf(options.missing) && !isBefore(known, options.missing);
      if (enough && (await options.stream.has(connection, last))) return;
    }
    if (value.startsWith("busy ")) await Bun.sleep(POLL_MS);
    else if (value !== "") await connection.send("DEL", [key]);
  }
}

/**
 * Appends everything while it holds the lease. Then sets the key to `done BEGAN LAST KNOWN`: when the refill began, its
 * last entry, and the last entry that this server had read when it noticed the loss.
 */
async function fill({ stream, known, retentionMs, appendAll }: Refill, lease: Lease): Promise<void> {
  const began = Math.floor(stream.now());
  try {
    const last = await appendAll();
    await lease.finish(`done ${began} ${last} ${known}`, Math.ceil(retentionMs));
  } catch (error) {
    await lease.release();
    throw error instanceof JournalError ? error : new JournalError("failed", (error as Error).message);
  }
}
