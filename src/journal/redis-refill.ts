/**
 * After Redis lost what it had, each server appends again what was announced to it. What other servers had appended that are
 * gone by now only those know who heard of it: one of them appends it for all, whoever is first to take the lease.
 */
import { JournalError } from "./journal.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { type RedisStream, timeOf } from "./redis-stream.ts";

/** How long a lease holds that is not renewed: its holder died. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** How often to look whether another is done. */
const LOOK_MS = 2_000;

export interface Refill {
  readonly connection: RedisConnection;
  readonly stream: RedisStream;
  readonly prefix: string;
  readonly retentionMs: number;
  /** Who we are. */
  readonly origin: string;
  /** Something that Redis had, and has no more. */
  readonly missing: string;
  /** Appends all; resolves with the id of an entry appended at the end. */
  readonly appendAll: () => Promise<string>;
  readonly stopped: () => boolean;
}

/** Resolves when all that was known when Redis lost `missing` is in the stream again, by us or another. @throws {JournalError} */
export async function refill(options: Refill): Promise<void> {
  const { connection, origin, stopped } = options;
  const key = `${options.prefix}:refill`;
  while (!stopped()) {
    if ((await connection.ask("SET", [key, `busy ${origin}`, "NX", "PX", `${LEASE_MS}`])) === "OK") {
      return await fill(options, key);
    }
    const value = (await connection.ask("GET", [key])) as string | null;
    const done = /^done (\d+) ([\d-]+)$/.exec(value ?? "");
    if (done) {
      // Only what began after the loss, and is still there, makes up for it.
      const since = Number(done[1]) > timeOf(options.missing);
      if (since && (await options.stream.has(connection, done[2]!))) return;
      await connection.ask("DEL", [key]);
    } else {
      await Bun.sleep(LOOK_MS);
    }
  }
}

async function fill({ connection, stream, retentionMs, origin, appendAll }: Refill, key: string): Promise<void> {
  const began = Math.floor(stream.now());
  const renewal = setInterval(() => {
    connection.ask("SET", [key, `busy ${origin}`, "PX", `${LEASE_MS}`]).catch(() => {});
  }, RENEW_MS);
  try {
    const last = await appendAll();
    clearInterval(renewal);
    await connection.ask("SET", [key, `done ${began} ${last}`, "PX", `${Math.ceil(retentionMs)}`]);
  } catch (error) {
    clearInterval(renewal);
    // Another may try at once.
    await connection.ask("DEL", [key]).catch(() => {});
    throw error instanceof JournalError ? error : new JournalError("failed", (error as Error).message);
  }
}
