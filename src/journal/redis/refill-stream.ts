/**
 * Restores a stream after Redis has lost data.
 *
 * Every server appends its own announcements again. Announcements of servers that have stopped since are known only to
 * the servers that have read them. One of those appends everything it knows for all of them: the first that takes the
 * lease, the key `PREFIX:refill`. The key's value is `busy ORIGIN` meanwhile, then `done BEGAN LAST KNOWN` (see
 * `fill`).
 */
import { JournalError } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";
import { isBefore, type RedisStream, timeOf } from "./stream.ts";

/** A lease that is not renewed expires after this time: its holder has died. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** How often to check whether the holder of the lease has finished. */
const POLL_MS = 2_000;

export interface Refill {
  readonly connection: RedisConnection;
  readonly stream: RedisStream;
  readonly prefix: string;
  readonly retentionMs: number;
  /** This server. */
  readonly origin: string;
  /** The id of an entry that Redis has lost. */
  readonly missing: string;
  /** The last entry that this server had read when it noticed the loss. */
  readonly known: string;
  /** Appends everything; resolves with the id of the last entry appended. */
  readonly appendAll: () => Promise<string>;
  readonly stopped: () => boolean;
}

/** Resolves when this server, or another that knew as much, has appended everything again. @throws {JournalError} */
export async function refillStream(options: Refill): Promise<void> {
  const { connection, origin, stopped } = options;
  const key = `${options.prefix}:refill`;
  while (!stopped()) {
    if ((await connection.send("SET", [key, `busy ${origin}`, "NX", "PX", `${LEASE_MS}`])) === "OK") {
      return await fill(options, key);
    }
    const value = ((await connection.send("GET", [key])) as string | null) ?? "";
    const done = /^done (\d+) (\d+-\d+) (\d+-\d+)$/.exec(value);
    if (done) {
      // Another's refill is enough if it began after the loss, by a server that had read as far, and is still in the
      // stream.
      const [, began, last, known] = done as unknown as [string, string, string, string];
      const enough = Number(began) > timeOf(options.missing) && !isBefore(known, options.missing);
      if (enough && (await options.stream.has(connection, last))) return;
    }
    if (value.startsWith("busy ")) await Bun.sleep(POLL_MS);
    else if (value !== "") await connection.send("DEL", [key]);
  }
}

/**
 * Appends everything while holding the lease, then leaves a note: when it began, its last entry, how far it had read.
 */
async function fill({ connection, stream, known, retentionMs, origin, appendAll }: Refill, key: string): Promise<void> {
  const began = Math.floor(stream.now());
  const renewal = setInterval(() => {
    connection.send("SET", [key, `busy ${origin}`, "PX", `${LEASE_MS}`]).catch(() => {});
  }, RENEW_MS);
  try {
    const last = await appendAll();
    clearInterval(renewal);
    await connection.send("SET", [key, `done ${began} ${last} ${known}`, "PX", `${Math.ceil(retentionMs)}`]);
  } catch (error) {
    clearInterval(renewal);
    // So that another server can try at once.
    await connection.send("DEL", [key]).catch(() => {});
    throw error instanceof JournalError ? error : new JournalError("failed", (error as Error).message);
  }
}
