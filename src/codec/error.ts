import {
  ANNOUNCEMENT_ID,
  QUERY_ID,
  QUERY_MAGIC,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_SHORT,
} from "../../assembly/layout.ts";
import { padded, readWord } from "./words.ts";

/**
 * Why bytes are not a packet, and where the error is:
 *
 * | code | meaning | `offset` points at |
 * |---|---|---|
 * | `short` | the datagram ends before a required field or its padding | the end of the datagram |
 * | `bad-magic` | it starts with neither magic number | the magic number, 0 |
 * | `bad-reserved` | the reserved half-word is not 0 | the half-word, 6 |
 * | `bad-id-length` | the length of the NodeID is greater than the number of bytes left | that length, 4 or 8 |
 * | `bad-ip-length` | the length of the IP is not 0, 4 or 16, or greater than the number of bytes left | that length |
 * | `trailing` | there are more bytes after the packet | the first extra byte |
 *
 * Fields are checked in the order of the wire, and the first error gives the code. So a datagram of under 4 bytes is
 * `short` whatever its content, and a complete NodeID whose padding is missing is `short`, not `bad-id-length`.
 */
export type PacketErrorCode = "short" | "bad-magic" | "bad-reserved" | "bad-id-length" | "bad-ip-length" | "trailing";

/** In the order of the statuses, starting with STATUS_SHORT. */
const CODES: readonly PacketErrorCode[] = [
  "short",
  "bad-magic",
  "bad-reserved",
  "bad-id-length",
  "bad-ip-length",
  "trailing",
];

const DETAILS: Readonly<Record<PacketErrorCode, string>> = {
  short: "the packet is cut short: decode a whole datagram",
  "bad-magic": "not a packet of this protocol: it starts with neither 0x20121025 nor 0x19760309",
  "bad-reserved": "the two bytes after the port are reserved and must be 0",
  "bad-id-length": "the length of the NodeID is greater than the number of bytes left",
  "bad-ip-length": "the length of the IP must be 0, 4 or 16, and at most the number of bytes left",
  trailing: "bytes are left over after the packet: decode one datagram at a time",
};

/**
 * Thrown by `decode` for bytes that are not a packet, and for nothing else.
 *
 * @example
 * ```ts
 * const datagram = bytesFromHex("1976030900000000ff");
 * try {
 *   createCodec().decode(datagram);
 * } catch (error) {
 *   if (!(error instanceof PacketError)) throw error;
 *   error.code; // => "trailing"
 *   error.offset; // => 8
 *   error.message; // => "bytes are left over after the packet: decode one datagram at a time (trailing, at byte 8)"
 * }
 * ```
 */
export class PacketError extends Error {
  override readonly name = "PacketError";
  /** Why the bytes are not a packet. */
  readonly code: PacketErrorCode;
  /** Where the error is, in bytes from the start of the datagram: see {@link PacketErrorCode}. */
  readonly offset: number;

  /**
   * @param code - why the bytes are not a packet
   * @param offset - where the error is, in bytes from the start of the datagram
   */
  constructor(code: PacketErrorCode, offset: number) {
    super(`${DETAILS[code]} (${code}, at byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}

/** The error code of a status above STATUS_QUERY. */
export function errorCode(status: number): PacketErrorCode {
  return CODES[status - STATUS_SHORT]!;
}

/**
 * Where the error is that `status` stands for, in bytes from the start of the datagram. It is computed from the bytes
 * again, so that the parser (in both languages) needs to return a status only.
 */
export function errorOffset(bytes: Uint8Array, status: number): number {
  if (status === STATUS_SHORT) return bytes.length;
  if (status === STATUS_BAD_MAGIC) return 0;
  if (status === STATUS_BAD_RESERVED) return 6;
  const query = readWord(bytes, 0) === QUERY_MAGIC;
  const id = query ? QUERY_ID : ANNOUNCEMENT_ID;
  if (status === STATUS_BAD_ID_LENGTH) return id - 4;
  const end = id + padded(readWord(bytes, id - 4));
  if (query || status === STATUS_BAD_IP_LENGTH) return end;
  return end + 4 + readWord(bytes, end);
}
