/** Listens on the address of the admin server, and keeps trying as long as the address is taken or not there yet. */
import { lookup } from "node:dns/promises";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { getLogger } from "@logtape/logtape";
import { ipFamily } from "../codec/ip-family.ts";
import { OutageLog } from "../log/outage-log.ts";
import { ServerError } from "../server/index.ts";
import type { AdminOptions } from "./options.ts";

const logger = getLogger(["whereabouts", "admin"]);

/** How long to wait before the address is tried again. */
const RETRY_MS = 2000;
/**
 * Seconds without data after which Bun closes a connection. It also ends requests that are not complete by then, and
 * clients that do not read. Streams have data every second.
 */
const IDLE_SECONDS = 10;
/** How often it looks whether the process has a file descriptor left. */
const DESCRIPTORS_MS = 1000;
/** Bodies are not read at all. */
const MAX_BODY_BYTES = 1024;

type Handler = (request: Request) => Promise<Response>;

/** Errors that may be over later: another program has the port, or the network is not up yet. */
const TEMPORARY: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "no interface of this machine has that address",
  EAI_AGAIN: "the name server does not answer",
};

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "not permitted (ports below 1024 need privileges)",
  EAFNOSUPPORT: "this machine has no IPv6",
  ENOTFOUND: "the name is unknown",
};

export class Listener {
  readonly #host: string;
  #port: number;
  readonly #handler: Handler;
  #http: Bun.Server<undefined> | undefined;
  #retry: Timer | undefined;
  #descriptorTimer: Timer | undefined;
  readonly #shortages = new OutageLog(logger, "the live page is served");
  #stopped = false;

  private constructor({ host, port }: AdminOptions, handler: Handler) {
    this.#host = host;
    this.#port = port;
    this.#handler = handler;
  }

  /** @throws {ServerError} for an error that is not temporary */
  static async start(options: AdminOptions, handler: Handler): Promise<Listener> {
    const listener = new Listener(options, handler);
    const temporary = await listener.#listen();
    // Not before: after an error that is not temporary, a timer would keep the process alive.
    listener.#descriptorTimer = setInterval(() => listener.#checkDescriptors(), DESCRIPTORS_MS);
    if (temporary !== undefined) {
      logger.warning(
        "the live page cannot be served on {address}: {reason}; it is tried again every {seconds} s (--admin sets another address)",
        { address: listener.#address(), reason: temporary, seconds: RETRY_MS / 1000 },
      );
      listener.#tryAgain();
    }
    return listener;
  }

  /** The address of the page, once it listens. */
  get url(): string | undefined {
    return this.#http === undefined ? undefined : `http://${this.#address()}/`;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#descriptorTimer);
    await this.#http?.stop(true);
  }

  #address(): string {
    return `${this.#host.includes(":") ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  #tryAgain(): void {
    this.#retry = setTimeout(async () => {
      const failed = await this.#listen().catch((error: ServerError) => error.message);
      if (failed !== undefined && !this.#stopped) this.#tryAgain();
    }, RETRY_MS);
  }

  /**
   * Closes all connections if the process has no file descriptor left: that does less harm than a packet worker that cannot
   * be replaced. Bun has no limit for the number of connections.
   */
  #checkDescriptors(): void {
    if (this.#http === undefined) return;
    try {
      closeSync(openSync(devNull, "r"));
      this.#shortages.recovered();
    } catch {
      void this.#http.stop(true);
      this.#http = undefined;
      this.#shortages.failed(
        "too many files are open, so all connections to the live page were closed: raise the limit with ulimit -n, or keep the client away that opens so many",
      );
      this.#tryAgain();
    }
  }

  /** @returns the reason if it cannot listen now, but may later */
  async #listen(): Promise<string | undefined> {
    try {
      // Bun would report an unknown name as an invalid argument.
      const hostname = ipFamily(this.#host) === undefined ? (await lookup(this.#host)).address : this.#host;
      if (this.#stopped) return undefined;
      this.#http = Bun.serve({
        hostname,
        port: this.#port,
        idleTimeout: IDLE_SECONDS,
        maxRequestBodySize: MAX_BODY_BYTES,
        development: false,
        // Outside development Bun's default is to share the port with any other program of this user.
        reusePort: false,
        fetch: this.#handler,
      });
    } catch (error) {
      const { code: fullCode = "", message } = error as NodeJS.ErrnoException;
      const code = fullCode.replace(/^DNS_/, "");
      if (code in TEMPORARY) return TEMPORARY[code];
      throw new ServerError(`the live page cannot be served on ${this.#address()}: ${REASONS[code] ?? message}`, code);
    }
    // It must be the same port when it listens again.
    this.#port = this.#http.port!;
    if (this.#shortages.count === 0) logger.info("the live page is at {url}", { url: this.url });
    return undefined;
  }
}
