/**
 * A key in Redis that only one server can hold at a time, for work that only one server should do. While a server holds
 * it, its value is `busy ORIGIN`.
 */
import type { RedisConnection } from "./connection.ts";

/** A lease that is not renewed expires after this time: its holder has died. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;

export class Lease {
  readonly #connection: RedisConnection;
  readonly #key: string;
  readonly #value: string;
  readonly #renewal: Timer;

  private constructor(connection: RedisConnection, key: string, value: string) {
    this.#connection = connection;
    this.#key = key;
    this.#value = value;
    this.#renewal = setInterval(() => {
      connection.send("SET", [key, value, "PX", `${LEASE_MS}`]).catch(() => {});
    }, RENEW_MS);
  }

  /** Undefined if the key exists. @throws {JournalError} */
  static async take(connection: RedisConnection, key: string, origin: string): Promise<Lease | undefined> {
    const value = `busy ${origin}`;
    const taken = (await connection.send("SET", [key, value, "NX", "PX", `${LEASE_MS}`])) === "OK";
    return taken ? new Lease(connection, key, value) : undefined;
  }

  /** Whether it was not lost. @throws {JournalError} */
  async held(): Promise<boolean> {
    return (await this.#connection.send("GET", [this.#key])) === this.#value;
  }

  /** Ends the lease, and leaves `value` in the key for `ms`. @throws {JournalError} */
  async finish(value: string, ms: number): Promise<void> {
    clearInterval(this.#renewal);
    await this.#connection.send("SET", [this.#key, value, "PX", `${ms}`]);
  }

  /** Gives up the lease, so that another server can take it at once. One that was lost belongs to another server. */
  async release(): Promise<void> {
    clearInterval(this.#renewal);
    try {
      if (await this.held()) await this.#connection.send("DEL", [this.#key]);
    } catch {
      // It expires.
    }
  }
}
