/** Answers the requests of Syncthing's global discovery (protocol v3), however they arrived. */
import { type Endpoint, usableAddresses } from "../addresses.ts";
import { deviceIdOf } from "../device-id.ts";
import type { Directory } from "./directory.ts";
import type { MissTable } from "./misses.ts";
import { askedDevice } from "./query.ts";

/** The longest body of an announcement, in bytes. A device may store a sixteenth of that. */
export const MAX_BODY_BYTES = 65_536;

/** The outcomes of requests over HTTPS or HTTP, for counters. */
export const REQUEST_RESULTS = [
  /** A look-up was answered with addresses. */
  "found",
  /** A look-up of a device without an address. */
  "not-found",
  /** An announcement of a device that was not known. */
  "new",
  /** An announcement of a known device. */
  "known",
  /** An announcement without a certificate. */
  "no-certificate",
  /** No device ID, no JSON of the right form, or no usable address. */
  "bad-request",
  /** The method is neither GET nor POST. */
  "bad-method",
  /** The body is longer than 64 KiB. */
  "too-long",
  /** The source exceeded a limit. */
  "limited",
  /** There is no room for another device. */
  "full",
  /** The table of devices could not be read now. */
  "busy",
  /** A health check of a load balancer. */
  "ping",
  /** The connection ended before the whole request arrived. */
  "aborted",
  /** The directory threw an error. */
  "error",
] as const;

/** The outcome of one request. */
export type RequestResult = (typeof REQUEST_RESULTS)[number];

/** A request, as a listener gives it. Values that are costly to get are functions, since not every request needs them. */
export interface DirectoryRequest {
  readonly method: string;
  /** Path and query as they were sent, such as `/v2/?device=…`. */
  readonly target: string;
  /** The client, not a proxy in between. */
  source(): Endpoint;
  /**
   * The client's certificate.
   *
   * @returns DER, or undefined if it showed none
   * @throws if the connection has ended
   */
  certificate(): Uint8Array | undefined;
  /**
   * Reads the body.
   *
   * @returns undefined if it is longer than a server reads; the rest is not kept in memory
   * @throws if the connection ends before
   */
  body(): Promise<string | undefined>;
}

export interface Reply {
  readonly result: RequestResult;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty if there is none. */
  readonly body: string;
}

// Times in seconds. All but the first are those of the original stdiscosrv.
/** When to come again after a limit was exceeded or while the table is busy: limits refill within seconds. */
const SOON = { least: 60, spread: 60 };
/** When to come again after a request that will not be right the next time either. */
const ERROR = { least: 1500, spread: 300 };
const REANNOUNCE = { least: 3300, spread: 300 };
const NOT_FOUND_LEAST = 60;
/** So much later for each time that the device was missed. */
const NOT_FOUND_STEP = 10;
const NOT_FOUND_MOST = 3600;
/** Clients that asked at the same time are spread over so much time. */
const NOT_FOUND_SPREAD = 60;

const PING: Reply = { result: "ping", status: 204, headers: {}, body: "" };
const BAD_METHOD = failure("bad-method", 405, "Method Not Allowed");

export class RequestHandler {
  readonly #directory: Directory;
  readonly #misses: MissTable;
  readonly #onError: (error: unknown) => void;

  /** @param onError - called with what the directory throws, which is a fault of the server's; the request is answered with 500 */
  constructor(directory: Directory, misses: MissTable, onError: (error: unknown) => void) {
    this.#directory = directory;
    this.#misses = misses;
    this.#onError = onError;
  }

  /**
   * Answers a request. Look-ups are answered at once: a promise would slow them down. It never throws, nor does a promise of it
   * reject.
   */
  handle(request: DirectoryRequest): Reply | Promise<Reply> {
    const { method, target } = request;
    if (target === "/ping" || target.startsWith("/ping?")) return PING;
    if (method === "POST") return this.#announce(request).catch((error) => this.#failed(error));
    if (method !== "GET") return BAD_METHOD;
    try {
      return this.#lookUp(request);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #lookUp(request: DirectoryRequest): Reply {
    if (!this.#directory.passes(request.source().address, "queries")) return limited();
    const id = askedDevice(request.target);
    if (id === "invalid") return badRequest();
    // The original takes no device for one that nobody has.
    const found = id === undefined ? undefined : this.#directory.lookUp(id);
    if (found === "busy") return failure("busy", 503, "Service Unavailable", SOON);
    if (found !== undefined) {
      const seen = new Date(found.seen).toISOString();
      const body = JSON.stringify({ seen, addresses: found.addresses });
      const headers = { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
      return { result: "found", status: 200, headers, body };
    }
    const misses = id === undefined ? 1 : this.#misses.count(id);
    const least = Math.min(NOT_FOUND_LEAST + NOT_FOUND_STEP * misses, NOT_FOUND_MOST - NOT_FOUND_SPREAD);
    return failure("not-found", 404, "Not Found", { least, spread: NOT_FOUND_SPREAD });
  }

  async #announce(request: DirectoryRequest): Promise<Reply> {
    const source = request.source();
    if (!this.#directory.passes(source.address, "announcements")) return limited();
    let certificate: Uint8Array | undefined;
    let body: string | undefined;
    try {
      certificate = request.certificate();
      if (certificate === undefined) return failure("no-certificate", 403, "Forbidden", ERROR);
      body = await request.body();
    } catch {
      return failure("aborted", 400, "Bad Request", ERROR);
    }
    if (body === undefined) return failure("too-long", 413, "Request Entity Too Large", ERROR);
    const addresses = usableAddresses(announcedAddresses(body), source);
    if (addresses.length === 0) return badRequest();
    const id = deviceIdOf(certificate);
    if (!this.#directory.has(id) && !this.#directory.passes(source.address, "new")) return limited();
    const stored = await this.#directory.announce(id, addresses);
    if (stored === "full") return failure("full", 503, "Service Unavailable", ERROR);
    this.#misses.reset(id);
    return { result: stored, status: 204, headers: { "Reannounce-After": seconds(REANNOUNCE) }, body: "" };
  }

  #failed(error: unknown): Reply {
    this.#onError(error);
    return failure("error", 500, "Internal Server Error", ERROR);
  }
}

/** @returns the texts of an announcement, unchecked; none if it has another form */
function announcedAddresses(body: string): string[] {
  let announcement: unknown;
  try {
    announcement = JSON.parse(body);
  } catch {
    return [];
  }
  if (typeof announcement !== "object" || announcement === null) return [];
  const { addresses } = announcement as { addresses?: unknown };
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === "string")) return [];
  return addresses;
}

function badRequest(): Reply {
  return failure("bad-request", 400, "Bad Request", ERROR);
}

function limited(): Reply {
  return failure("limited", 429, "Too Many Requests", SOON);
}

interface Span {
  readonly least: number;
  readonly spread: number;
}

function failure(result: RequestResult, status: number, text: string, retryAfter?: Span): Reply {
  const headers: Record<string, string> = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": String(text.length + 1),
  };
  if (retryAfter !== undefined) headers["Retry-After"] = seconds(retryAfter);
  return { result, status, headers, body: `${text}\n` };
}

/** A random time of a span, so that clients do not come in step. */
function seconds({ least, spread }: Span): string {
  return String(least + Math.floor(Math.random() * spread));
}
