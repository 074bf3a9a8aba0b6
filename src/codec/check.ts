import { ANNOUNCEMENT_ID, QUERY_ID } from "../../assembly/layout.ts";
import { checkBytes, refuse } from "../xdr/check.ts";
import type { Packet } from "./types.ts";
import { padded } from "./words.ts";

const { includes } = Uint8Array.prototype;

/**
 * `instanceof` is the quick answer; bytes from another realm (an iframe, a test runner) take the slow one. A view whose buffer
 * was transferred, or shrunk below it, has length 0 as well, but is not what its holder takes it for.
 */
export function checkInput(name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) checkBytes(name, value);
  if (value.length === 0) checkAttached(name, value);
}

/** Any method of a typed array refuses one without its bytes; this one allocates nothing. */
function checkAttached(name: string, value: Uint8Array): void {
  try {
    includes.call(value, 0);
  } catch (cause) {
    throw new TypeError(`${name}: its buffer is detached, or has become too short for it`, { cause });
  }
}

/**
 * Whether `packet` can be written.
 *
 * @returns how many bytes it takes
 * @throws {TypeError} if a field is of the wrong kind
 * @throws {RangeError} if a field is one that a packet cannot state
 */
export function checkPacket(packet: Packet): number {
  if (typeof packet !== "object" || packet === null) {
    throw new TypeError(`packet: expected an object, got ${packet === null ? "null" : typeof packet}`);
  }
  const { type, nodeId } = packet;
  if (type !== "announcement" && type !== "query") {
    refuse("packet.type", type, "string", '"announcement" or "query"');
  }
  checkInput("packet.nodeId", nodeId);
  const { length } = nodeId;
  if (length > 0xffff_ffff) throw new RangeError(`packet.nodeId: ${length} bytes are more than a packet can state`);
  if (type === "query") return QUERY_ID + padded(length);

  const { port, ip } = packet;
  if (typeof port !== "number" || (port & 0xffff) !== port) {
    refuse("packet.port", port, "number", "an integer, 0 to 65535");
  }
  checkInput("packet.ip", ip);
  if (ip.length !== 0 && ip.length !== 4 && ip.length !== 16) {
    throw new RangeError(`packet.ip: expected 4 bytes (IPv4), 16 (IPv6) or none, got ${ip.length}`);
  }
  return ANNOUNCEMENT_ID + padded(length) + 4 + ip.length;
}

/** Whether `size` bytes fit into `target` from `offset` on. */
export function checkRoom(target: Uint8Array, offset: number, size: number): void {
  checkInput("target", target);
  const { length } = target;
  if (!(Number.isInteger(offset) && offset >= 0 && offset <= length)) {
    refuse("offset", offset, "number", `an integer, 0 to the target's length, ${length}`);
  }
  if (size > length - offset) {
    throw new RangeError(
      `target: the packet takes ${size} bytes, but from offset ${offset} on it has ${length - offset}`,
    );
  }
}
