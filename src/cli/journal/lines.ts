/** The JSON lines of `whereabouts journal export` and `import`. */

import ipaddr from "ipaddr.js";
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { ipOf } from "../../client/ip.ts";
import type { JournalEntry } from "../../journal/index.ts";
import { nodeIdJson } from "../terminal/style.ts";

/** How far in the future an announcement may be, because clocks differ. */
const MAX_AHEAD_MS = 60_000;
/**
 * Characters kept of a line: many times what an entry can need. The rest of a longer one is dropped to bound memory.
 */
const MAX_LINE = 65_536;

export function entryLine({ nodeId, address, port, announcedAt, confirmed }: JournalEntry): string {
  const flag = confirmed ? {} : { confirmed };
  return JSON.stringify({ ...nodeIdJson(nodeId), ip: ipOf(address, 0, 16), port, announcedAt, ...flag });
}

/** A line that is not a valid entry. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** @throws {LineError} that says what is wrong with the line. */
export function parseEntry(line: string, now: number): JournalEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new LineError("not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new LineError("not a JSON object");
  const { nodeId, nodeIdHex, ip, port, announcedAt, confirmed = true } = value as Record<string, unknown>;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    throw new LineError(`"port" must be a whole number from 1 to 65535, not ${JSON.stringify(port)}`);
  }
  if (typeof announcedAt !== "number" || announcedAt < 0) {
    throw new LineError(`"announcedAt" must be milliseconds since 1970, not ${JSON.stringify(announcedAt)}`);
  }
  if (announcedAt > now + MAX_AHEAD_MS) throw new LineError(`"announcedAt" is in the future: ${announcedAt}`);
  if (typeof confirmed !== "boolean") {
    throw new LineError(`"confirmed" must be true or false, not ${JSON.stringify(confirmed)}`);
  }
  const [id, address] = [parseNodeId(nodeId, nodeIdHex), parseAddress(ip)];
  return { nodeId: id, address, port: port as number, announcedAt, confirmed };
}

function parseNodeId(text: unknown, hex: unknown): Uint8Array {
  let bytes: Uint8Array;
  if (typeof hex === "string") {
    try {
      bytes = Uint8Array.fromHex(hex);
    } catch {
      throw new LineError('"nodeIdHex" is not hex');
    }
  } else if (typeof text === "string") {
    // U+FFFD may stand for bytes that were not UTF-8, so the original bytes are unknown.
    if (!text.isWellFormed() || text.includes("\ufffd")) {
      throw new LineError('"nodeId" has replacement characters: give the bytes as "nodeIdHex"');
    }
    bytes = new TextEncoder().encode(text);
  } else throw new LineError('neither "nodeIdHex" nor "nodeId" is given');
  if (bytes.length >= 1 && bytes.length <= MAX_ID_LENGTH) return bytes;
  throw new LineError(`a NodeID has 1 to ${MAX_ID_LENGTH} bytes, not ${bytes.length}`);
}

function parseAddress(ip: unknown): Uint8Array {
  const text = typeof ip === "string" ? ip : "";
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return Uint8Array.from(ipaddr.IPv4.parse(text).toIPv4MappedAddress().toByteArray());
  }
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) {
    return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
  }
  throw new LineError(`"ip" must be an IPv4 or IPv6 address, not ${JSON.stringify(ip)}`);
}

/** Yields the lines of the input with their numbers, counted from 1, without empty lines. */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly [number: number, line: string][]> {
  const decoder = new TextDecoder();
  let begun = "";
  let number = 0;
  const numbered = (lines: readonly string[]): [number, string][] =>
    lines.map((line): [number, string] => [++number, line]).filter(([, line]) => line.trim() !== "");
  for await (const chunk of input) {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
    begun = lines.pop()!.slice(0, MAX_LINE);
    if (lines.length > 0) yield numbered(lines);
  }
  yield numbered([begun + decoder.decode()]);
}
