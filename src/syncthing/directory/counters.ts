/** Counters of listeners. All but `open` only grow. The owner of a listener reads them. */
import { REQUEST_RESULTS, type RequestResult } from "./handler.ts";

/** Requests by their outcome. */
export type RequestCounters = Record<RequestResult, number>;

export function createRequestCounters(): RequestCounters {
  return Object.fromEntries(REQUEST_RESULTS.map((result) => [result, 0])) as RequestCounters;
}

export interface ConnectionCounters {
  /** Connections that are open now. */
  open: number;
  /** TLS handshakes that succeeded. */
  handshakes: number;
  /** TLS handshakes that failed or took too long. */
  failedHandshakes: number;
  /** Connections that were closed because a request, its reply, or the first request took too long. */
  slow: number;
  /** Connections that were closed because no further request came after one that was answered. */
  idle: number;
  /** Connections that were closed to make room for others. */
  crowded: number;
  /**
   * Connections that were closed because of what was sent: no HTTP, headers that are too large, too many requests that were refused,
   * or too many before a reply was read.
   */
  invalid: number;
}

export function createConnectionCounters(): ConnectionCounters {
  return { open: 0, handshakes: 0, failedHandshakes: 0, slow: 0, idle: 0, crowded: 0, invalid: 0 };
}
