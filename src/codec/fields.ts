import type { PacketErrorCode } from "./error.ts";
import type { Packet } from "./types.ts";

/**
 * What `decodeInto` finds in a datagram. Make one and use it again and again. Offsets are in bytes from the start of the
 * datagram that was decoded; what does not apply is `undefined` or 0.
 *
 * @example
 * ```ts
 * const codec = createCodec();
 * const fields = new PacketFields();
 * const datagram = bytesFromHex("2012102555f00000000000044e4f444500000004c0000201");
 *
 * codec.decodeInto(datagram, fields); // => true
 * fields.port; // => 22000
 * // A view: the datagram's own bytes.
 * const ip = datagram.subarray(fields.ipOffset, fields.ipOffset + fields.ipLength);
 * ipToText(ip); // => "192.0.2.1"
 * ```
 */
export class PacketFields {
  /** What the packet is; `undefined`: the bytes are not a packet. */
  type: Packet["type"] | undefined = undefined;
  /** Announcement: 0 to 65535. */
  port = 0;
  /** Where the NodeID begins. */
  nodeIdOffset = 0;
  /** In bytes, its padding left out. */
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
