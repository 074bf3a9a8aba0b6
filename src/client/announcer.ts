/** Announces to one server for as long as it is not closed. */
import type { DiscoveryError } from "./error.ts";
import type { ServerLink } from "./server-link.ts";
import type { Timings } from "./types.ts";

/** How long after an announcement the system may still report that nobody took it. */
const PATIENCE_MS = 500;
/** Intervals vary by so much either way: a thousand nodes that start together do not go on together. */
const JITTER = 0.1;

export interface AnnouncerOptions {
  readonly link: ServerLink;
  readonly packet: Uint8Array;
  readonly timings: Timings;
  readonly onError: (error: DiscoveryError) => void;
  readonly onAnnounced: (address: string) => void;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  #timer: Timer | undefined;
  /** The wait after the next failure. */
  #retry: number;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#retry = options.timings.retryFirst;
  }

  /** Announces, once an announcement that is under way is done with, and from then on by itself. Never rejects. */
  announce(): Promise<void> {
    this.#running = this.#running.then(() => this.#run());
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const { link, packet, timings, onError, onAnnounced } = this.#options;
    clearTimeout(this.#timer);
    if (this.#closed) return;
    let wait = timings.serverInterval * (1 + JITTER * (2 * Math.random() - 1));
    try {
      const address = await link.announce(packet, PATIENCE_MS);
      if (!this.#closed) onAnnounced(address);
      this.#retry = timings.retryFirst;
    } catch (error) {
      wait = this.#retry;
      this.#retry = Math.min(2 * this.#retry, timings.retryLongest);
      if (!this.#closed) onError(error as DiscoveryError);
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.announce(), wait);
  }
}
