/** Announces the own node to one server, in intervals, until it is closed. */
import type { DiscoveryError } from "../error.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { Timings } from "../types.ts";
import type { ServerLink } from "./link.ts";

/** How long {@link Announcer.announce} waits for the system to report that the announcement was refused. */
const REFUSAL_WAIT_MS = 500;
/** A later error cannot be about the announcement. It takes the system 3 s to find out that an address does not exist. */
const MAX_REFUSAL_MS = 10_000;
/** Intervals vary by this share, so that nodes which start together do not keep announcing together. */
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
  /** Unref'd: it does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  /** The wait after the next failure, in ms. */
  #retryMs: number;
  /** When the last announcement was sent, if it did not fail since. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#retryMs = options.timings.retryFirst;
    options.link.onLateError = (error) => {
      if (performance.now() - this.#sentAt < MAX_REFUSAL_MS) this.#failed(error);
    };
  }

  /** Announces, after a running announcement has ended, and then again in intervals. Never rejects. */
  announce(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // All calls during a running announcement share the next one.
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
      // The last announcement succeeded, so the waits start from the shortest again.
      if (this.#sentAt > Number.NEGATIVE_INFINITY) this.#retryMs = timings.retryFirst;
      const address = await link.announce(packet, REFUSAL_WAIT_MS);
      if (this.#closed) return;
      this.#sentAt = performance.now();
      this.#schedule(timings.serverInterval * (1 + JITTER * (2 * Math.random() - 1)));
      onAnnounced(address);
    } catch (error) {
      this.#failed(error as DiscoveryError);
    }
  }

  #failed(error: DiscoveryError): void {
    if (this.#closed) return;
    const { timings, onError } = this.#options;
    this.#sentAt = Number.NEGATIVE_INFINITY;
    this.#schedule(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, timings.retryLongest);
    onError(error);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.announce(), Math.min(ms, MAX_TIMER_MS)).unref();
  }
}
