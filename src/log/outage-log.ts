/** Logs outages: one warning when something starts to fail, one line when it works again. */
import type { Logger } from "@logtape/logtape";

/** A warning is not repeated within this time, so that a connection that comes and goes does not fill the log. */
const QUIET_MS = 30_000;
/** The most different warnings within QUIET_MS: messages may differ only in a number. */
const MAX_WARNINGS = 5;

/** Escapes text for LogTape, which replaces `{…}`, and for terminals, which interpret control characters. */
export function escapeLogText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]/gu, "?")
    .replaceAll("{", "{{")
    .replaceAll("}", "}}");
}

export class OutageLog {
  readonly #logger: Logger;
  readonly #works: string;
  /** When each warning was last logged. */
  readonly #logged = new Map<string, number>();
  #failingSince: number | undefined;
  #warned = false;
  /** Failures since the last warning. */
  #unlogged = 0;
  /** Failures since the start. */
  count = 0;

  /**
   * @param works - what is true while nothing fails, "the journal is written" for instance; logged with "again, after
   * 3.2 s"
   */
  constructor(logger: Logger, works: string) {
    this.#logger = logger;
    this.#works = works;
  }

  /** @param message - one line */
  failed(message: string): void {
    const now = performance.now();
    this.count++;
    this.#failingSince ??= now;
    for (const [line, at] of this.#logged) if (now - at > QUIET_MS) this.#logged.delete(line);
    if (this.#logged.has(message) || this.#logged.size >= MAX_WARNINGS) {
      this.#unlogged++;
      return;
    }
    this.#logged.set(message, now);
    this.#warned = true;
    const more = this.#unlogged === 0 ? "" : ` (${this.#unlogged} more failures since the last warning)`;
    this.#unlogged = 0;
    this.#logger.warning(escapeLogText(message + more));
  }

  /** To be called on every success. Logs the end of an outage if its start was logged. */
  recovered(): void {
    if (this.#failingSince === undefined) return;
    const seconds = ((performance.now() - this.#failingSince) / 1000).toFixed(1);
    this.#failingSince = undefined;
    if (this.#warned) this.#logger.info(`${this.#works} again, after ${seconds} s`);
    this.#warned = false;
  }
}
