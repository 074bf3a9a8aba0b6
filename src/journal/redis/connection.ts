/** One connection to Redis: commands with a time limit, and errors that say what is the matter. */
import { JournalError } from "../journal.ts";
import { connectReason, replyReason } from "./reason.ts";
import { type RedisTarget, redact } from "./url.ts";

const CONNECT_MS = 3000;
/** How long an answer may take, beyond what a command waits for by itself. */
const ANSWER_MS = 10_000;
/** XADD with MINID, which trims by age, came with 6.2. */
const LEAST_VERSION = [6, 2] as const;

export class RedisConnection {
  /** Rejects when the connection is gone, with the reason. */
  readonly lost: Promise<never>;
  readonly #lose: (reason: JournalError) => void;
  readonly #client: Bun.RedisClient;
  readonly #target: RedisTarget;

  private constructor(client: Bun.RedisClient, target: RedisTarget) {
    this.#client = client;
    this.#target = target;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.lost = promise;
    this.#lose = reject;
    client.onclose = () => reject(new JournalError("failed", `${target.where} closed the connection`));
  }

  /** @throws {JournalError} that says why not */
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
      const reason = closed ? await connectReason(target) : replyReason(message);
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
   * @param patience ms that the command itself may wait.
   * @throws {JournalError} for an error reply, a connection that is gone, or an answer that takes too long: it is closed then.
   */
  async ask(command: string, args: readonly string[], patience = 0): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const seconds = (patience + ANSWER_MS) / 1000;
      const reason = new JournalError("failed", `${this.#target.where} did not answer for ${seconds} s`);
      late.reject(reason);
      // Before it is closed: it was not Redis that closed it.
      this.#lose(reason);
      this.close();
    }, patience + ANSWER_MS);
    try {
      return await Promise.race([this.#client.send(command, [...args]), late.promise]);
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
    const { version } = (await this.ask("HELLO", ["3"])) as { version?: string };
    const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
    if (major > LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor >= LEAST_VERSION[1])) return;
    throw new JournalError("failed", `${this.#target.where} is version ${version}: it takes 6.2 or later`);
  }
}
