import type { PacketErrorCode } from "./error.ts";
import type { Packet } from "./types.ts";

/**
 * The result of `decodeInto`: where the fields of a datagram are. Create one and reuse it for all datagrams. Offsets
 * are in bytes from the start of the decoded datagram. Fields that do not apply are `undefined` or 0.
 *
 * @example
 * ```ts
 * const codec = createCodec();
 * const fields = new PacketFields();
 * const datagram = bytesFromHex("2012102555f00000000000044e4f444500000004c0000201");
 *
 * codec.decodeInto(datagram, fields); // => true
 * fields.port; // => 22000
 * // A view of the datagram's bytes, not a copy.
 * const ip = datagram.subarray(fields.ipOffset, fields.ipOffset + fields.ipLength);
 * ipToText(ip); // => "192.0.2.1"
 * ```
 */
export class PacketFields {
  /** The type of the packet; `undefined` if the bytes are not a packet. */
  type: Packet["type"] | undefined = undefined;
  /** Announcement: 0 to 65535. */
  port = 0;
  /** Where the NodeID starts. */
  nodeIdOffset = 0;
  /** In bytes, without padding. */
  nodeIdLength = 0;
  /** Announcement: where the IP starts; the end of the datagram if it has none. */
  ipOffset = 0;
  /** Announcement: 0, 4 or 16. */
  ipLength = 0;
  /** Why the bytes are not a packet; `undefined` if they are one. */
  code: PacketErrorCode | undefined = undefined;
  /** Where the error is: see {@link PacketErrorCode}. */
  errorOffset = 0;
}

/** Fills in an error. Returns `false`, so that a decoder can return the call. */
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
