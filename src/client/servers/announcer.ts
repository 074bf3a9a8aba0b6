/** Announces to one server for as long as it is not closed. */
import type { DiscoveryError } from "../error.ts";
import type { Timings } from "../types.ts";
import type { ServerLink } from "./link.ts";

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

/** An error that comes so long after an announcement is not about it. Where nobody is at an address, it takes 3 s to know. */
const LATE_MS = 10_000;

export class Announcer {
  readonly #options: AnnouncerOptions;
  #timer: Timer | undefined;
  /** The wait after the next failure. */
  #retry: number;
  #sentAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#retry = options.timings.retryFirst;
    options.link.onRefused = (error) => {
      if (performance.now() - this.#sentAt < LATE_MS) this.#failed(error);
    };
  }

  /** Announces, once an announcement that is under way is done with, and from then on by itself. Never rejects. */
  announce(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // Whoever asks in the meantime asks for one and the same.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.announce();
    });
    return this.#next;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const { link, packet, timings, onAnnounced } = this.#options;
    clearTimeout(this.#timer);
    if (this.#closed) return;
    try {
      // The last one went well, as far as anybody has said since.
      if (this.#sentAt > Number.NEGATIVE_INFINITY) this.#retry = timings.retryFirst;
      const address = await link.announce(packet, PATIENCE_MS);
      if (this.#closed) return;
      this.#sentAt = performance.now();
      this.#wait(timings.serverInterval * (1 + JITTER * (2 * Math.random() - 1)));
      onAnnounced(address);
    } catch (error) {
      this.#failed(error as DiscoveryError);
    }
  }

  #failed(error: DiscoveryError): void {
    if (this.#closed) return;
    const { timings, onError } = this.#options;
    this.#sentAt = Number.NEGATIVE_INFINITY;
    this.#wait(this.#retry);
    this.#retry = Math.min(2 * this.#retry, timings.retryLongest);
    onError(error);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.announce(), Math.min(ms, 2 ** 31 - 1));
  }
}
