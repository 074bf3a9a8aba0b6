/** Reads the replies of a server, which are not trusted. */
import type { IncomingHttpHeaders } from "node:http";
import { ReplyError } from "./error.ts";

/** Addresses of a device, as a server has them. */
export interface Whereabouts {
  /** URLs of printable ASCII, such as `tcp://192.0.2.7:22000`; at least one. */
  readonly addresses: readonly string[];
  /** When the device last announced itself, in ms since 1970: by the server's clock, but not in the future by the own. */
  readonly seenAt: number;
}

/** The longest address that is believed, in characters. */
const MAX_ADDRESS_LENGTH = 2048;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/i;

/**
 * Reads the reply to a lookup.
 *
 * @param now - in ms since 1970, for a reply that does not say when the device was seen
 * @returns `undefined` if it has no address that could be one
 * @throws {ReplyError} if it is not JSON of the right form
 */
export function readWhereabouts(body: string, now: number): Whereabouts | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(body);
  } catch {
    throw new ReplyError("its answer is not JSON: it may not be a discovery server");
  }
  // Go writes null for an empty list.
  const { addresses: listed, seen: seenText } = Object(reply) as { addresses?: unknown; seen?: unknown };
  if (listed !== null && !Array.isArray(listed)) {
    throw new ReplyError("its answer has no list of addresses: it may not be a discovery server");
  }
  const addresses = [...new Set((listed ?? []).filter(isAddress))];
  if (addresses.length === 0) return undefined;
  const seen = typeof seenText === "string" ? Date.parse(seenText) : Number.NaN;
  // Go writes the year 1 for a time that is not known.
  return { addresses, seenAt: seen > 0 ? Math.min(seen, now) : now };
}

function isAddress(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_ADDRESS_LENGTH && ADDRESS.test(value);
}

/**
 * Reads a header with a number of seconds.
 *
 * @returns the number, or the nearest one from `least` to `most`; `undefined` if there is none
 */
export function readSeconds(
  headers: IncomingHttpHeaders,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = headers[name];
  if (typeof text !== "string" || !/^\d+$/.test(text)) return undefined;
  return Math.min(Math.max(Number(text), least), most);
}
