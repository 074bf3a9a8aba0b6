/** The last result of the server's readiness check. The server itself checks at most once a second. */
import type { DiscoveryServer, Readiness } from "../server/index.ts";

/** How long statistics wait for a check. Under a flood a check may take longer; then the last result counts. */
const WAIT_MS = 25;

export class LastReadiness {
  readonly #server: DiscoveryServer;
  #ready = false;

  constructor(server: DiscoveryServer) {
    this.#server = server;
    // So that there is a result when the first request comes.
    void this.result();
  }

  /** The result of a check that ended less than a second ago, or of a new one. */
  async result(): Promise<Readiness> {
    const result = await this.#server.readiness();
    this.#ready = result.ready;
    return result;
  }

  /** Whether the last check found the server ready. Starts another check if that was long ago. */
  latest(): boolean {
    void this.result();
    return this.#ready;
  }

  /** As {@link latest}, but waits a moment for the check. */
  async recent(): Promise<boolean> {
    await Promise.race([this.result(), Bun.sleep(WAIT_MS)]);
    return this.#ready;
  }
}
