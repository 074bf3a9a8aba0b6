/** Announces the own device to one server: at once, and then whenever the server wants it, or after a failure. */
import type { DiscoveryError } from "../../client/error.ts";
import { GlobalServerError } from "../global/error.ts";
import type { GlobalServer } from "../global/server.ts";

/** Waits vary by this share, so that devices which start together do not keep announcing together. */
const JITTER = 0.1;
/** How long to wait after a change of the own addresses, in ms: several may come at once. Syncthing waits as long. */
const CHANGE_MS = 2_000;

export interface DeviceAnnouncerOptions {
  readonly server: GlobalServer;
  readonly addresses: readonly string[];
  /** The wait after a failure, in ms, if the server does not name one. */
  readonly retry: number;
  onAnnounced(): void;
  onError(error: DiscoveryError): void;
}

export class DeviceAnnouncer {
  readonly #options: DeviceAnnouncerOptions;
  /** Unref'd: it does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #begun = false;
  readonly #closed = new AbortController();

  constructor(options: DeviceAnnouncerOptions) {
    this.#options = options;
  }

  /**
   * Announces, after a running announcement has ended, and then again when it is due. Resolves when it is done or has failed.
   * Never rejects.
   */
  announce(): Promise<void> {
    this.#begun = true;
    // All calls during a running announcement share the next one.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      this.#running = this.#run();
      return this.#running;
    });
    return this.#next;
  }

  /** The own addresses have changed. */
  changed(): void {
    if (this.#begun) this.#schedule(CHANGE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { server, addresses, retry, onAnnounced, onError } = this.#options;
    const { signal } = this.#closed;
    if (signal.aborted) return;
    clearTimeout(this.#timer);
    try {
      const { reannounceAfter } = await server.announce(addresses, signal);
      if (signal.aborted) return;
      // Earlier, but not later than the server wants it.
      this.#schedule(1000 * reannounceAfter * (1 - JITTER * Math.random()));
      onAnnounced();
    } catch (error) {
      if (signal.aborted) return;
      const wait = error instanceof GlobalServerError ? error.retryAfter : undefined;
      // Later, but not earlier than the server wants it.
      this.#schedule((wait === undefined ? retry : 1000 * wait) * (1 + JITTER * Math.random()));
      onError(error as DiscoveryError);
    }
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed.signal.aborted) this.#timer = setTimeout(() => void this.announce(), ms).unref();
  }
}
