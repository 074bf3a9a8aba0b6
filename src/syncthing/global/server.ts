/** A server of Syncthing's global discovery, v3: requests over HTTPS. */
import { createSecureContext, type SecureContext } from "node:tls";
import { onAbort } from "../../client/abort.ts";
import { formatDeviceId } from "../device-id.ts";
import { Connections } from "./connections.ts";
import { GlobalServerError, requestError, statusError } from "./error.ts";
import { readSeconds, readWhereabouts, type Whereabouts } from "./reply.ts";
import { type Reply, StaleConnectionError, send } from "./request.ts";
import { Slots } from "./slots.ts";
import { type GlobalUrl, parseGlobalUrl } from "./url.ts";

/** How long one request may take, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long an unused connection is kept, in milliseconds. Longer, and it may be dead without notice: behind a NAT, say. */
const IDLE_MS = 20_000;
/** Requests at once, and so connections. */
const MAX_CONNECTIONS = 4;
/** Seconds that a server may name, and the default of Syncthing if it names none. */
const RETRY = { least: 60, most: 3_600, default: 60 };
/** The most: servers forget an address after 2 h. */
const REANNOUNCE = { least: 60, most: 5_400, default: 1_800 };

/** The own certificate and its key, both in PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Asks one server for devices, and announces the own device to it. The server is verified before each first request of a
 * connection: by its device ID if its URL has one, else by certificate authorities and its name.
 *
 * Lookups do not show the own certificate, so that the server cannot tell who asks.
 *
 * @example
 * ```ts
 * const server = new GlobalServer("https://discovery.example/v2/?nolookup", undefined);
 * [server.name, server.looksUp, server.announces]; // => ["discovery.example:443", false, false]
 * server.close();
 * ```
 */
export class GlobalServer {
  /** As given. */
  readonly url: string;
  /** `host:port`, for messages. */
  readonly name: string;
  /** Whether the own device can be announced there: needs an identity, and a URL without `noannounce`. */
  readonly announces: boolean;
  /** Whether it is asked for devices: not if its URL has `nolookup`. */
  readonly looksUp: boolean;
  readonly #server: GlobalUrl;
  readonly #timeout: number;
  readonly #slots = new Slots(MAX_CONNECTIONS);
  readonly #lookups: Connections;
  readonly #announcements: Connections | undefined;
  /** Of the requests that are under way. */
  readonly #open = new Set<AbortController>();
  #closed: Error | undefined;

  /**
   * @param url - see {@link parseGlobalUrl}
   * @param identity - shown to the server when announcing; without it, nothing can be announced
   * @param options - both in milliseconds. `timeout`: for one request, 10,000 by default; `idle`: how long an unused
   *   connection is kept, 20,000 by default
   * @throws {RangeError} if the URL is wrong, or the certificate and its key are not a pair in PEM
   */
  constructor(
    url: string,
    identity: Identity | undefined,
    options: { readonly timeout?: number; readonly idle?: number } = {},
  ) {
    const { timeout = REQUEST_TIMEOUT_MS, idle = IDLE_MS } = options;
    this.#server = parseGlobalUrl(url);
    this.#timeout = timeout;
    this.url = url;
    this.name = this.#server.name;
    this.looksUp = this.#server.looksUp;
    this.announces = this.#server.announces && identity !== undefined;
    this.#lookups = new Connections(this.#server, { timeout, idle });
    if (identity !== undefined) {
      this.#announcements = new Connections(this.#server, { timeout, idle, context: contextOf(identity) });
    }
  }

  /**
   * Asks where a device is.
   *
   * @param id - 32 bytes
   * @returns its addresses; or, if the server does not know it, after how many seconds to ask again
   * @throws {DiscoveryError} if the server does not answer as it should; the signal's reason if that is aborted
   */
  async lookup(id: Uint8Array, signal?: AbortSignal): Promise<Whereabouts | { readonly retryAfter: number }> {
    const device = formatDeviceId(id);
    const reply = await this.#request(this.#lookups, `?device=${device}`, undefined, signal);
    const retryAfter = readSeconds(reply.headers, "retry-after", RETRY.least, RETRY.most);
    if (reply.status === 404) return { retryAfter: retryAfter ?? RETRY.default };
    if (reply.status !== 200) throw statusError(this.name, reply.status, "lookup", retryAfter);
    try {
      return readWhereabouts(reply.body, Date.now()) ?? { retryAfter: retryAfter ?? RETRY.default };
    } catch (error) {
      throw requestError(this.name, error);
    }
  }

  /**
   * Announces the own device.
   *
   * @param addresses - URLs; `tcp://0.0.0.0:22000` stands for the address that the server sees
   * @returns after how many seconds to announce again
   * @throws {DiscoveryError} if the server does not take it; the signal's reason if that is aborted
   */
  async announce(addresses: readonly string[], signal?: AbortSignal): Promise<{ readonly reannounceAfter: number }> {
    if (this.#announcements === undefined) {
      throw new GlobalServerError(this.name, "announcing needs a certificate and its key");
    }
    const reply = await this.#request(this.#announcements, "", JSON.stringify({ addresses }), signal);
    if (reply.status < 200 || reply.status > 299) {
      const retryAfter = readSeconds(reply.headers, "retry-after", RETRY.least, RETRY.most);
      throw statusError(this.name, reply.status, "announcement", retryAfter);
    }
    const after = readSeconds(reply.headers, "reannounce-after", REANNOUNCE.least, REANNOUNCE.most);
    return { reannounceAfter: after ?? REANNOUNCE.default };
  }

  /** Ends all requests, which reject, and closes the connections. */
  close(): void {
    this.#closed = new Error(`the client of ${this.name} is closed`);
    for (const request of this.#open) request.abort(this.#closed);
    this.#lookups.destroy();
    this.#announcements?.destroy();
  }

  async #request(
    agent: Connections,
    query: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    const { host, port, path } = this.#server;
    const headers =
      body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const method = body === undefined ? "GET" : "POST";
    const options = { agent, host, port, method, path: path + query, headers };
    if (this.#closed !== undefined) throw this.#closed;
    const request = new AbortController();
    const stop = request.signal;
    this.#open.add(request);
    const forgetSignal = onAbort(signal, () => request.abort(signal?.reason));
    const once = async () => {
      await this.#slots.take(stop);
      return await send(options, body, {
        timeout: this.#timeout,
        signal: stop,
        onClose: () => this.#slots.release(),
      });
    };
    try {
      return await once().catch((error) => {
        if (!(error instanceof StaleConnectionError)) throw error;
        return once();
      });
    } catch (error) {
      stop.throwIfAborted();
      throw requestError(this.name, error instanceof StaleConnectionError ? error.cause : error);
    } finally {
      this.#open.delete(request);
      forgetSignal();
    }
  }
}

/** @throws {RangeError} if it is not a certificate with its key */
export function contextOf({ certificate, key }: Identity): SecureContext {
  let cause: unknown;
  try {
    // The runtimes take an empty text for none.
    if (certificate !== "" && key !== "") return createSecureContext({ cert: certificate, key });
  } catch (error) {
    cause = error;
  }
  throw new RangeError("the certificate and the key must be a pair, both in PEM", { cause });
}
