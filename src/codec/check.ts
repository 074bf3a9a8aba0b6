import { ANNOUNCEMENT_ID, QUERY_ID } from "../../assembly/layout.ts";
import { checkBytes, refuse } from "../xdr/check.ts";
import type { Packet } from "./types.ts";
import { padded } from "./words.ts";

const { includes } = Uint8Array.prototype;

/**
 * Checks that `value` is a Uint8Array that still has its bytes. `instanceof` is fast, but fails for arrays from another
 * realm (an iframe, a test runner), so those get the slower check. A view also has length 0 after its buffer was
 * transferred or shrank below it: that must be an error, not an empty input.
 */
export function checkInput(name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) checkBytes(name, value);
  if (value.length === 0) checkAttached(name, value);
}

/** Every method of typed arrays throws for a detached one. `includes` is used since it allocates nothing. */
export function checkAttached(name: string, value: ArrayBufferView): void {
  try {
    includes.call(value as Uint8Array, 0);
  } catch (cause) {
    throw new TypeError(`${name}: its buffer is detached or has become too short`, { cause });
  }
}

/**
 * Checks that `packet` can be encoded.
 *
 * @returns its encoded size in bytes
 * @throws {TypeError} if a field has the wrong type
 * @throws {RangeError} if the value of a field does not fit into a packet
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
  if (length > 0xffff_ffff) throw new RangeError(`packet.nodeId: expected at most 4294967295 bytes, got ${length}`);
  if (type === "query") return QUERY_ID + padded(length);

  const { port, ip } = packet;
  if (typeof port !== "number" || (port & 0xffff) !== port) {
    refuse("packet.port", port, "number", "an integer, 0 to 65535");
  }
  checkInput("packet.ip", ip);
  if (!isIpLength(ip.length)) {
    throw new RangeError(`packet.ip: expected 4 bytes (IPv4), 16 (IPv6) or none, got ${ip.length}`);
  }
  return ANNOUNCEMENT_ID + padded(length) + 4 + ip.length;
}

/** Whether an IP may have `length` bytes. */
export function isIpLength(length: number): boolean {
  return length === 0 || length === 4 || length === 16;
}

/** Checks that `size` bytes fit into `target` from `offset` on. */
export function checkRoom(target: Uint8Array, offset: number, size: number): void {
  checkInput("target", target);
  const { length } = target;
  if (!(Number.isInteger(offset) && offset >= 0 && offset <= length)) {
    refuse("offset", offset, "number", `an integer, 0 to the target's length, ${length}`);
  }
  if (size > length - offset) {
    throw new RangeError(
      `target: the packet needs ${size} bytes, but from offset ${offset} only ${length - offset} are left`,
    );
  }
}
