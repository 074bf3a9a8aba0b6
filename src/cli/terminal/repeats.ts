/** Sums up log lines that repeat: the first is logged at once, those of the next 30 seconds as one line with their number. */
import type { LogRecord } from "@logtape/logtape";

const WINDOW_MS = 30_000;
/** The most kinds of lines that are told apart. Of more there is one kind per level. */
const MAX_KINDS = 200;
/** A problem has a line when it begins and one when it is over: both are logged at once. */
const PROBLEM_LINES = 2;

interface Repeated {
  /** Lines that are still logged at once. */
  left: number;
  /** Lines that were not logged. */
  count: number;
  last: LogRecord;
}

export class Repeats {
  readonly #write: (record: LogRecord) => void;
  readonly #windowMs: number;
  readonly #kinds = new Map<string, Repeated>();

  /** @param write - gets records whose messages have one part */
  constructor(write: (record: LogRecord) => void, windowMs = WINDOW_MS) {
    this.#write = write;
    this.#windowMs = windowMs;
  }

  /** Logs a record whose message has one part. */
  log(record: LogRecord): void {
    // A line about progress is no trouble.
    if (record.level === "debug" || record.properties.progress === true) {
      this.#write(record);
      return;
    }
    const kind = kindOf(record);
    const key = this.#kinds.has(kind) || this.#kinds.size < MAX_KINDS ? kind : record.level;
    const repeated = this.#kinds.get(key);
    if (repeated === undefined) {
      this.#write(record);
      this.#wait(key, {
        left: record.properties.problem === undefined ? 0 : PROBLEM_LINES - 1,
        count: 0,
        last: record,
      });
    } else if (repeated.left > 0) {
      repeated.left--;
      this.#write(record);
    } else {
      repeated.count++;
      repeated.last = record;
    }
  }

  /** Logs what is not logged yet, before the program ends. */
  flush(): void {
    for (const repeated of this.#kinds.values()) this.#sumUp(repeated);
    this.#kinds.clear();
  }

  #wait(key: string, repeated: Repeated): void {
    this.#kinds.set(key, repeated);
    const timer = setTimeout(() => {
      if (this.#kinds.get(key) !== repeated) return;
      this.#kinds.delete(key);
      if (repeated.count === 0) return;
      this.#sumUp(repeated);
      this.#wait(key, { left: 0, count: 0, last: repeated.last });
    }, this.#windowMs);
    timer.unref();
  }

  #sumUp({ count, last }: Repeated): void {
    if (count === 0) return;
    const lines = `${last.message[0]} (${count} more in the last ${this.#windowMs / 1000} s)`;
    // One is logged as it is: it is only late.
    const message = count === 1 ? last.message : [lines];
    this.#write({ ...last, message, properties: { ...last.properties, repeated: count } });
  }
}

/**
 * Lines that differ only in their numbers are of one kind, but not lines about different workers. All lines about one problem
 * are of one kind, its end included: so the last one that is logged tells how it is now.
 */
function kindOf({ level, message, properties: { problem, worker } }: LogRecord): string {
  if (problem !== undefined) return `problem ${problem}`;
  return `${level} ${worker} ${String(message[0]).replace(/\d+/g, "#")}`;
}
