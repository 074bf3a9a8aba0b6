/** Which journal, in words: the flags of `whereabouts server` and of `whereabouts journal`. */
import type { Journal } from "./journal.ts";
import { MemoryJournal } from "./memory.ts";
import { RedisJournal } from "./redis/journal.ts";
import { isRedisUrl, parseRedisUrl } from "./redis/url.ts";
import { SqliteJournal } from "./sqlite/journal.ts";
import { defaultSqlitePath } from "./sqlite/path.ts";

export interface JournalOptions {
  /** `memory`, `sqlite`, `sqlite:PATH` or the URL of a Redis. */
  readonly journal: string;
  /** What the keys in Redis begin with. */
  readonly prefix: string;
  /** How long an announcement holds, in ms. */
  readonly retentionMs: number;
  /** Which server this is: 8 bytes, others at each start. */
  readonly origin: Uint8Array;
}

export const DEFAULT_PREFIX = "whereabouts";

/**
 * A journal; nothing is opened yet.
 * @throws {TypeError} or {RangeError} that says what would be one. It quotes no URL.
 */
export function createJournal({ journal, prefix, retentionMs, origin }: JournalOptions): Journal {
  checkJournal(journal, prefix);
  if (journal === "memory") return new MemoryJournal();
  if (isRedisUrl(journal)) return new RedisJournal(parseRedisUrl(journal), prefix, retentionMs, origin.toHex());
  const path = journal === "sqlite" ? defaultSqlitePath() : journal.slice("sqlite:".length);
  return new SqliteJournal(path, retentionMs);
}

/** @throws {TypeError} or {RangeError}, as {@link createJournal} does. */
export function checkJournal(journal: string, prefix: string): void {
  if (typeof journal !== "string") throw new TypeError(`journal must be a string, not ${Bun.inspect(journal)}`);
  if (typeof prefix !== "string" || !/^[!-~]{1,100}$/.test(prefix)) {
    throw new RangeError("journalPrefix must be 1 to 100 printable ASCII characters without a space");
  }
  if (journal === "memory" || journal === "sqlite" || /^sqlite:./.test(journal)) return;
  if (isRedisUrl(journal)) {
    parseRedisUrl(journal);
    return;
  }
  throw new RangeError(
    "journal must be memory, sqlite, sqlite:PATH, or the URL of Redis or Valkey: redis://, rediss://, valkey://",
  );
}
