/** The JSON lines of `whereabouts journal export` and `import`. */

import ipaddr from "ipaddr.js";
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { unmappedIpText } from "../../codec/ip.ts";
import { type DeviceAddress, deviceProblem } from "../../journal/device.ts";
import type { JournalDevice, JournalEntry } from "../../journal/index.ts";
import { formatDeviceId, parseDeviceId } from "../../syncthing/device-id.ts";
import { nodeIdJson } from "../terminal/style.ts";

/** How far in the future an announcement may be, because clocks differ. */
const MAX_AHEAD_MS = 60_000;
/**
 * Characters kept of a line: many times what an entry can need. The rest of a longer one is dropped to bound memory.
 */
const MAX_LINE = 65_536;

export function entryLine({ nodeId, address, port, announcedAt, confirmed }: JournalEntry): string {
  const flag = confirmed ? {} : { confirmed };
  return JSON.stringify({ ...nodeIdJson(nodeId), ip: unmappedIpText(address), port, announcedAt, ...flag });
}

export function deviceLine({ id, addresses, confirmed }: JournalDevice): string {
  return JSON.stringify({ deviceId: formatDeviceId(id), addresses, ...(confirmed ? {} : { confirmed }) });
}

/** A line that is not a valid node or device. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/**
 * The node or the device of a line.
 *
 * @throws {LineError} that says what is wrong with the line
 */
export function parseLine(line: string, now: number): { node: JournalEntry } | { device: JournalDevice } {
  const value = parseObject(line);
  return "deviceId" in value ? { device: parseDevice(value, now) } : { node: parseNode(value, now) };
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseObject(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new LineError("not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new LineError("not a JSON object");
  return value as JsonObject;
}

function parseDevice({ deviceId, addresses, confirmed }: JsonObject, now: number): JournalDevice {
  if (typeof deviceId !== "string") throw new LineError(`"deviceId" must be a text, not ${JSON.stringify(deviceId)}`);
  let id: Uint8Array;
  try {
    id = parseDeviceId(deviceId);
  } catch (error) {
    throw new LineError(`"deviceId": ${(error as Error).message}`);
  }
  if (!Array.isArray(addresses)) throw new LineError(`"addresses" must be a list, not ${JSON.stringify(addresses)}`);
  const device = {
    id,
    addresses: addresses.map((value, index) => parseDeviceAddress(value, `"addresses"[${index}]`, now)),
    confirmed: parseConfirmed(confirmed),
  };
  const problem = deviceProblem(device);
  if (problem !== undefined) throw new LineError(`"addresses": ${problem}`);
  return device;
}

function parseDeviceAddress(value: unknown, name: string, now: number): DeviceAddress {
  if (typeof value !== "object" || value === null) throw new LineError(`${name} is not a JSON object`);
  const { address, announcedAt } = value as JsonObject;
  if (typeof address !== "string") {
    throw new LineError(`${name}: "address" must be a text, not ${JSON.stringify(address)}`);
  }
  return { address, announcedAt: parseTime(announcedAt, `${name}: `, now) };
}

function parseTime(announcedAt: unknown, where: string, now: number): number {
  if (typeof announcedAt !== "number" || announcedAt < 0) {
    throw new LineError(`${where}"announcedAt" must be milliseconds since 1970, not ${JSON.stringify(announcedAt)}`);
  }
  if (announcedAt > now + MAX_AHEAD_MS) throw new LineError(`${where}"announcedAt" is in the future: ${announcedAt}`);
  return announcedAt;
}

function parseConfirmed(confirmed: unknown = true): boolean {
  if (typeof confirmed === "boolean") return confirmed;
  throw new LineError(`"confirmed" must be true or false, not ${JSON.stringify(confirmed)}`);
}

function parseNode({ nodeId, nodeIdHex, ip, port, announcedAt, confirmed }: JsonObject, now: number): JournalEntry {
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    throw new LineError(`"port" must be a whole number from 1 to 65535, not ${JSON.stringify(port)}`);
  }
  return {
    port: port as number,
    announcedAt: parseTime(announcedAt, "", now),
    confirmed: parseConfirmed(confirmed),
    nodeId: parseNodeId(nodeId, nodeIdHex),
    address: parseAddress(ip),
  };
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
  } else throw new LineError('neither "nodeIdHex" nor "nodeId" nor "deviceId" is given');
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
