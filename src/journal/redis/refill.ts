/**
 * After Redis lost what it had, each server appends again what was announced to it. What other servers had appended that are
 * gone by now only those know who heard of it: one of them appends it for all, whoever is first to take the lease.
 */
import { JournalError } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";
import { isBefore, type RedisStream, timeOf } from "./stream.ts";

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
  /** How far we had read the stream when that was noticed. */
  readonly known: string;
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
    const value = ((await connection.ask("GET", [key])) as string | null) ?? "";
    const done = /^done (\d+) (\d+-\d+) (\d+-\d+)$/.exec(value);
    if (done) {
      // Only what began after the loss, and is still there, makes up for it: if it is of one who had read as far as we.
      const [, began, last, known] = done as unknown as [string, string, string, string];
      const makesUp = Number(began) > timeOf(options.missing) && !isBefore(known, options.missing);
      if (makesUp && (await options.stream.has(connection, last))) return;
    }
    if (value.startsWith("busy ")) await Bun.sleep(LOOK_MS);
    else if (value !== "") await connection.ask("DEL", [key]);
  }
}

async function fill({ connection, stream, known, retentionMs, origin, appendAll }: Refill, key: string): Promise<void> {
  const began = Math.floor(stream.now());
  const renewal = setInterval(() => {
    connection.ask("SET", [key, `busy ${origin}`, "PX", `${LEASE_MS}`]).catch(() => {});
  }, RENEW_MS);
  try {
    const last = await appendAll();
    clearInterval(renewal);
    await connection.ask("SET", [key, `done ${began} ${last} ${known}`, "PX", `${Math.ceil(retentionMs)}`]);
  } catch (error) {
    clearInterval(renewal);
    // Another may try at once.
    await connection.ask("DEL", [key]).catch(() => {});
    throw error instanceof JournalError ? error : new JournalError("failed", (error as Error).message);
  }
}
