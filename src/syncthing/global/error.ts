/** Errors of global discovery: a code for programs and one line for people. */
import { DiscoveryError } from "../../client/error.ts";

/** A request to a global discovery server that failed. */
export class GlobalServerError extends DiscoveryError {
  /** When the server wants to be asked again, in seconds, if it said so. */
  readonly retryAfter: number | undefined;

  constructor(
    where: string,
    message: string,
    options: { code?: string | undefined; cause?: unknown; retryAfter?: number | undefined } = {},
  ) {
    super(where, message, options);
    this.retryAfter = options.retryAfter;
  }
}

/** Why a connection is refused although TLS itself has succeeded. */
export class CertificateError extends Error {
  readonly code: "WRONG_DEVICE_ID" | "CERTIFICATE_NOT_TRUSTED";

  constructor(code: CertificateError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** A reply that is not one of a discovery server. */
export class ReplyError extends Error {
  readonly code = "BAD_REPLY";
}

/** No reply in time. */
export class TimeoutError extends Error {
  readonly code = "ETIMEDOUT";

  /** @param ms - how long it was waited for */
  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s (ETIMEDOUT)`);
  }
}

/** @param cause - what a request was rejected with */
export function requestError(where: string, cause: unknown): GlobalServerError {
  const error = firstOf(cause as Error);
  const code = (error as NodeJS.ErrnoException).code;
  // Names of llhttp, the HTTP parser of both runtimes.
  if (code?.startsWith("HPE_")) {
    return new GlobalServerError(where, `its answer is not HTTP: ${code}`, { code: "BAD_REPLY", cause });
  }
  return new GlobalServerError(where, reasonOf(error, code), { code, cause });
}

/** If a name has several addresses and none can be reached, Node reports the errors of all. */
function firstOf(error: Error): Error {
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function reasonOf(error: Error, code: string | undefined): string {
  switch (code) {
    case "ECONNREFUSED":
      return "no server listens there (ECONNREFUSED)";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name does not resolve (${code})`;
    case "ECONNRESET":
    case "EPIPE":
      return `it closed the connection before its answer was complete (${code})`;
    case "EMFILE":
    case "ENFILE":
      return `too many open files (${code})`;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "it does not speak HTTPS on that port";
  }
  // OpenSSL's own text has addresses of its memory and paths of its sources.
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_")) return `TLS failed: ${code}`;
  return error.message.replace(/\s+/g, " ").trim() || (code ?? "the request failed");
}

/** A status that is neither success nor "not found". */
export function statusError(
  where: string,
  status: number,
  what: "lookup" | "announcement",
  retryAfter: number | undefined,
): GlobalServerError {
  const again = retryAfter === undefined ? "" : `; try again in ${retryAfter} s`;
  return new GlobalServerError(where, `${meaningOf(status, what)}${again}`, { code: `HTTP_${status}`, retryAfter });
}

function meaningOf(status: number, what: "lookup" | "announcement"): string {
  if (status >= 300 && status < 400) return `it redirects to another URL, which is not followed (status ${status})`;
  if (status === 403 && what === "announcement") {
    return "it got no certificate of this device: a proxy in front of it must pass that on (status 403)";
  }
  if (status === 429) return "too many requests (status 429)";
  if (status >= 500) return `the server has an error (status ${status})`;
  return `it refuses the ${what} (status ${status})`;
}
