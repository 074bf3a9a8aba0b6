/** The choice of a journal by a text, as the flag `--journal` has it. */
import { homedir } from "node:os";
import { join } from "node:path";
import { describeValue } from "../xdr/describe-value.ts";
import type { Journal, RegistryClock } from "./journal.ts";
import { MemoryJournal } from "./memory.ts";
import { RedisJournal } from "./redis/journal.ts";
import { isRedisUrl, parseRedisUrl } from "./redis/url.ts";
import { SqliteJournal } from "./sqlite/journal.ts";
import { defaultSqlitePath } from "./sqlite/path.ts";

export interface JournalOptions {
  /**
   * `memory`, `sqlite`, `sqlite:PATH` or the URL of Redis or Valkey. A PATH that begins with `~/` is in the home
   * folder.
   */
  readonly journal: string;
  /** Prefix of the keys in Redis. */
  readonly prefix: string;
  /** How long an announcement is valid, in ms. */
  readonly retentionMs: number;
  /** Identifies this run of the server in its batches: 8 random bytes. */
  readonly origin: Uint8Array;
  readonly clock: RegistryClock;
}

export const DEFAULT_PREFIX = "whereabouts";

/**
 * Creates a journal without opening it.
 *
 * @throws {TypeError | RangeError} that says what `journal` or `prefix` must be. The message never quotes a URL, which
 *   may contain a password.
 */
export function createJournal({ journal, prefix, retentionMs, origin, clock }: JournalOptions): Journal {
  checkJournal(journal, prefix);
  if (journal === "memory") return new MemoryJournal();
  if (isRedisUrl(journal)) return new RedisJournal(parseRedisUrl(journal), prefix, retentionMs, origin.toHex(), clock);
  return new SqliteJournal(sqlitePath(journal), retentionMs, clock);
}

/** Refuses paths that SQLite or a shell would give another meaning. @throws {RangeError} */
function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem !== undefined) throw new RangeError(`journal: this SQLite path cannot be used: ${problem}`);
}

function pathProblem(path: string): string | undefined {
  if (path.trim() === "") return "it is blank";
  if (path.includes("\0")) return "it must not contain the character 0";
  if (path.startsWith(":memory:")) return 'write "memory" for a journal that keeps nothing';
  if (/^file:/i.test(path)) return "write the path without file:";
  if (path.startsWith("~") && !path.startsWith("~/")) return "only ~/ at its beginning means the home folder";
  return undefined;
}

function sqlitePath(journal: string): string {
  const path = journal.slice("sqlite:".length);
  if (path === "") return defaultSqlitePath();
  // A shell expands "~" only at the beginning of a word.
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** @throws {TypeError | RangeError} as {@link createJournal} does. */
export function checkJournal(journal: string, prefix: string): void {
  if (typeof journal !== "string") throw new TypeError(`journal must be a string, not ${describeValue(journal)}`);
  if (typeof prefix !== "string" || !/^[!-~]{1,100}$/.test(prefix)) {
    throw new RangeError("journalPrefix must be 1 to 100 printable ASCII characters without a space");
  }
  if (journal === "memory" || journal === "sqlite") return;
  if (journal.startsWith("sqlite:") && journal.length > "sqlite:".length) {
    checkPath(journal.slice("sqlite:".length));
    return;
  }
  if (isRedisUrl(journal)) {
    parseRedisUrl(journal);
    return;
  }
  throw new RangeError(
    "journal must be memory, sqlite, sqlite:PATH, or the URL of Redis or Valkey: redis://, rediss://, valkey://",
  );
}
