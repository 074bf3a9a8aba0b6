/** Sums up log lines that repeat: the first is logged at once, those of the next 30 seconds as one line with their number. */
import type { LogRecord } from "@logtape/logtape";

const WINDOW_MS = 30_000;
/** Texts with other words than before are kept apart, up to this number of them. */
const MAX_TEXTS = 200;

interface Repeated {
  count: number;
  last: LogRecord;
}

export class Repeats {
  readonly #write: (record: LogRecord) => void;
  readonly #windowMs: number;
  readonly #texts = new Map<string, Repeated>();

  /** @param write - gets records whose messages have one part */
  constructor(write: (record: LogRecord) => void, windowMs = WINDOW_MS) {
    this.#write = write;
    this.#windowMs = windowMs;
  }

  /** Logs a record whose message has one part. Lines that differ only in their numbers are repetitions of each other. */
  log(record: LogRecord): void {
    // A line about progress is no trouble.
    if (record.level === "debug" || record.properties.progress === true) {
      this.#write(record);
      return;
    }
    const text = `${record.level} ${record.message[0]}`.replace(/\d+/g, "#");
    const key = this.#texts.has(text) || this.#texts.size < MAX_TEXTS ? text : "";
    const repeated = this.#texts.get(key);
    if (repeated === undefined) {
      this.#write(record);
      this.#wait(key, { count: 0, last: record });
    } else {
      repeated.count++;
      repeated.last = record;
    }
  }

  /** Logs what is not logged yet, before the program ends. */
  flush(): void {
    for (const repeated of this.#texts.values()) this.#sumUp(repeated);
    this.#texts.clear();
  }

  #wait(key: string, repeated: Repeated): void {
    this.#texts.set(key, repeated);
    const timer = setTimeout(() => {
      if (this.#texts.get(key) !== repeated) return;
      this.#texts.delete(key);
      if (repeated.count === 0) return;
      this.#sumUp(repeated);
      this.#wait(key, { count: 0, last: repeated.last });
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
