/** One connection to Redis: commands with a timeout, and errors in plain words. */
import { JournalError } from "../journal.ts";
import { connectFailureReason, replyReason } from "./error.ts";
import { type RedisTarget, redact } from "./url.ts";

const CONNECT_MS = 3000;
/** The timeout of a command, on top of the time for which the command itself blocks. */
const REPLY_MS = 10_000;
/** XADD with MINID, which trims by age, came with 6.2. */
const MIN_VERSION = [6, 2] as const;

export class RedisConnection {
  /** Rejects with the reason when the connection is lost. */
  readonly lost: Promise<never>;
  readonly #rejectLost: (reason: JournalError) => void;
  readonly #client: Bun.RedisClient;
  readonly #target: RedisTarget;

  private constructor(client: Bun.RedisClient, target: RedisTarget) {
    this.#client = client;
    this.#target = target;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.lost = promise;
    this.#rejectLost = reject;
    client.onclose = () => reject(new JournalError("failed", `${target.where} closed the connection`));
  }

  /** @throws {JournalError} with the reason */
  static async open(target: RedisTarget): Promise<RedisConnection> {
    const client = new Bun.RedisClient(target.url, {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: CONNECT_MS,
    });
    try {
      await client.connect();
    } catch (error) {
      client.close();
      const { code, message } = error as NodeJS.ErrnoException;
      const closed = code === "ERR_REDIS_CONNECTION_CLOSED" || code === "ERR_REDIS_CONNECTION_TIMEOUT";
      const reason = closed ? await connectFailureReason(target) : replyReason(message);
      throw new JournalError("failed", redact(`cannot connect to ${target.where}: ${reason}`, target));
    }
    const connection = new RedisConnection(client, target);
    try {
      await connection.#checkVersion();
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /**
   * Sends a command and waits for its reply.
   *
   * @param blockMs - how long the command itself may block
   * @throws {JournalError} for an error reply, a lost connection, or a timeout, which closes the connection
   */
  async send(command: string, args: readonly string[], blockMs = 0): Promise<unknown> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const seconds = (blockMs + REPLY_MS) / 1000;
      const reason = new JournalError("failed", `${this.#target.where} did not answer for ${seconds} s`);
      timeout.reject(reason);
      // Before close(), which would report that Redis closed the connection.
      this.#rejectLost(reason);
      this.close();
    }, blockMs + REPLY_MS);
    try {
      return await Promise.race([this.#client.send(command, [...args]), timeout.promise]);
    } catch (error) {
      if (error instanceof JournalError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code?.startsWith("ERR_REDIS_CONNECTION") ? "the connection was closed" : replyReason(message);
      throw new JournalError("failed", redact(`${this.#target.where}: ${reason}`, this.#target));
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client.close();
  }

  async #checkVersion(): Promise<void> {
    const { version } = (await this.send("HELLO", ["3"])) as { version?: string };
    const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
    if (major > MIN_VERSION[0] || (major === MIN_VERSION[0] && minor >= MIN_VERSION[1])) return;
    throw new JournalError(
      "failed",
      `${this.#target.where} is version ${version}: ${MIN_VERSION.join(".")} or later is required`,
    );
  }
}
