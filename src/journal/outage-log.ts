/** Trouble that lasts, said in a line when it begins and in another when it is over. */
import type { Logger } from "@logtape/logtape";

/** What was said is not said again for so long: a connection that comes and goes is no reason for a line each time. */
const QUIET_MS = 60_000;
/** Different lines about one trouble, at most: an error may have a number in it. */
const LINES = 5;

/** Text as it is, to a logger that takes {…} for something to be filled in, and to a terminal that takes other things for orders. */
export function escapeLogText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]/gu, "?")
    .replaceAll("{", "{{")
    .replaceAll("}", "}}");
}

export class OutageLog {
  readonly #logger: Logger;
  readonly #over: string;
  readonly #said = new Map<string, number>();
  #since: number | undefined;
  #spoken = false;
  /** Failures of all troubles so far. */
  count = 0;

  /** @param over what works again when it is over: "the journal keeps". */
  constructor(logger: Logger, over: string) {
    this.#logger = logger;
    this.#over = over;
  }

  /** @param message one line. */
  failed(message: string): void {
    const now = performance.now();
    this.count++;
    this.#since ??= now;
    for (const [line, at] of this.#said) if (now - at > QUIET_MS) this.#said.delete(line);
    if (this.#said.has(message) || this.#said.size >= LINES) return;
    this.#said.set(message, now);
    this.#spoken = true;
    this.#logger.warning(escapeLogText(message));
  }

  /** It works. */
  recovered(): void {
    if (this.#since === undefined) return;
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
    this.#since = undefined;
    if (this.#spoken) this.#logger.info(`${this.#over} again, after ${seconds} s`);
    this.#spoken = false;
  }
}
