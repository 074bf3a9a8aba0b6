/** Checks whether the server is ready, at most once a second, however many requests ask. */
import type { DiscoveryServer, Readiness } from "../server/index.ts";
import { Cached } from "./cached.ts";

const CHECK_MS = 1000;
/** How long statistics wait for a check. Under a flood a check may take longer; then the last result counts. */
const WAIT_MS = 25;

export class ReadinessCheck {
  readonly #check: Cached<Promise<Readiness>>;
  #running: Promise<Readiness> | undefined;
  /** The result of the last check. */
  #ready = false;

  constructor(server: DiscoveryServer) {
    // A check that takes longer than a second is waited for: another one beside it would only add to the load.
    this.#check = new Cached(CHECK_MS, () => {
      this.#running ??= this.#run(server).finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    });
    // So that there is a result when the first request comes.
    void this.#check.get();
  }

  /** The result of a check that began less than a second ago. */
  result(): Promise<Readiness> {
    return this.#check.get();
  }

  /** Whether the last check found the server ready. Starts another check if that was long ago. */
  latest(): boolean {
    void this.#check.get();
    return this.#ready;
  }

  /** As {@link latest}, but waits a moment for the check. */
  async recent(): Promise<boolean> {
    await Promise.race([this.#check.get(), Bun.sleep(WAIT_MS)]);
    return this.#ready;
  }

  async #run(server: DiscoveryServer): Promise<Readiness> {
    const result = await server.readiness();
    this.#ready = result.ready;
    return result;
  }
}
