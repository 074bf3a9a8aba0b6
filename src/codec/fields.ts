import type { PacketErrorCode } from "./error.ts";
import type { DecodeResult, Packet } from "./types.ts";

/**
 * What `decodeInto` finds in a datagram. Make one and use it again and again. Offsets are in bytes from the start of the
 * datagram that was decoded; what does not apply is `undefined` or 0.
 */
export class PacketFields {
  /** What the packet is; `undefined`: the bytes are not a packet. */
  type: Packet["type"] | undefined = undefined;
  /** Announcement: 0 to 65535. */
  port = 0;
  nodeIdOffset = 0;
  nodeIdLength = 0;
  /** Announcement: the datagram's end where it bears no IP. */
  ipOffset = 0;
  /** Announcement: 0, 4 or 16. */
  ipLength = 0;
  /** Why the bytes are not a packet. */
  code: PacketErrorCode | undefined = undefined;
  /** Where the fault is: see {@link PacketErrorCode}. */
  errorOffset = 0;
}

/** Gives `false`, so that a decoder can end with it. */
export function setError(fields: PacketFields, code: PacketErrorCode, offset: number): false {
  fields.type = undefined;
  fields.port = 0;
  fields.nodeIdOffset = 0;
  fields.nodeIdLength = 0;
  fields.ipOffset = 0;
  fields.ipLength = 0;
  fields.code = code;
  fields.errorOffset = offset;
  return false;
}

/** The packet whose fields were found in `bytes`. */
export function packetOf(bytes: Uint8Array, fields: PacketFields): Packet {
  const nodeId = copy(bytes, fields.nodeIdOffset, fields.nodeIdLength);
  if (fields.type === "query") return { type: "query", nodeId };
  return { type: "announcement", nodeId, port: fields.port, ip: copy(bytes, fields.ipOffset, fields.ipLength) };
}

export function resultOf(bytes: Uint8Array, fields: PacketFields): DecodeResult {
  if (fields.type !== undefined) return { ok: true, packet: packetOf(bytes, fields) };
  return { ok: false, code: fields.code!, offset: fields.errorOffset };
}

/** `slice` is faster, but a subclass may redefine it: that of Node's Buffer gives a view of the same memory. */
function copy(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes.slice(at, at + length);
  return new Uint8Array(bytes.subarray(at, at + length));
}
