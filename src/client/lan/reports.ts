/** Reports each failure of the LAN once, until it is solved. */
import { DiscoveryError } from "../error.ts";
import { codeOf } from "../sockets/index.ts";

/** An error that the network reports for an earlier packet counts as solved if it was not reported for this time, in ms. */
const QUIET = 60_000;

export class Reports {
  readonly #onError: (error: DiscoveryError) => void;
  /** The failures that were reported and are not solved yet: the error's code, by cause. */
  readonly #reported = new Map<string, string | undefined>();
  /** When the network last reported an error, by its cause here. */
  readonly #heardAt = new Map<string, number>();

  constructor(onError: (error: DiscoveryError) => void) {
    this.#onError = onError;
  }

  /** @param error - the system's; or only the code of one that the message explains */
  failed(cause: string, where: string, message: string, error: unknown): void {
    const code = codeOf(error);
    const explained = error === code;
    const text = explained ? `${message} (${code})` : `${message}: ${code}`;
    this.report(cause, new DiscoveryError(where, text, { code, cause: explained ? undefined : error }));
  }

  /** The network reports an error of an earlier packet. Whether a later one arrives is never said. */
  heard(error: Error): void {
    const cause = `network ${error.message}`;
    const now = performance.now();
    if (now - (this.#heardAt.get(cause) ?? now) > QUIET) this.solved(cause);
    this.#heardAt.set(cause, now);
    const code = codeOf(error);
    this.report(cause, new DiscoveryError("lan", `the network reports: ${error.message}`, { code, cause: error }));
  }

  report(cause: string, error: DiscoveryError): void {
    if (this.#reported.get(cause) === error.code) return;
    this.#reported.set(cause, error.code);
    this.#onError(error);
  }

  solved(cause: string): void {
    this.#reported.delete(cause);
  }
}
