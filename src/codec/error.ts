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
 * Why bytes are not a packet, and where:
 *
 * | code | the bytes | offset of |
 * |---|---|---|
 * | `short` | end before a field that they must have, padding included | their end |
 * | `bad-magic` | start with neither magic number | the magic number, 0 |
 * | `bad-reserved` | have a reserved half-word that is not 0 | the half-word, 6 |
 * | `bad-id-length` | state a NodeID longer than what is left | its length, 4 or 8 |
 * | `bad-ip-length` | state an IP of other than 0, 4 or 16 bytes, or longer than what is left | its length |
 * | `trailing` | go on after the packet | the first byte too many |
 *
 * Fields are judged in the order of the wire and the first fault gives the code. So a datagram of under 4 bytes is
 * `short` whatever it holds, and a NodeID that is all there but for its padding is `short`, not `bad-id-length`.
 */
export type PacketErrorCode = "short" | "bad-magic" | "bad-reserved" | "bad-id-length" | "bad-ip-length" | "trailing";

/** In the order of the statuses, from STATUS_SHORT. */
const CODES: readonly PacketErrorCode[] = [
  "short",
  "bad-magic",
  "bad-reserved",
  "bad-id-length",
  "bad-ip-length",
  "trailing",
];

const DETAILS: Readonly<Record<PacketErrorCode, string>> = {
  short: "the packet ends too soon: decode a whole datagram",
  "bad-magic": "not a packet of this protocol: it starts with neither 0x20121025 nor 0x19760309",
  "bad-reserved": "the two bytes after the port are reserved and must be 0",
  "bad-id-length": "the NodeID is stated to be longer than what is left of the packet",
  "bad-ip-length": "the IP must be 0, 4 or 16 bytes, and all there",
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
  /** Why, for programs; the message is for people. */
  readonly code: PacketErrorCode;
  /** Where, in bytes from the start of the datagram: see {@link PacketErrorCode}. */
  readonly offset: number;

  /**
   * @param code - why the bytes are not a packet
   * @param offset - where, in bytes from the start of the datagram
   */
  constructor(code: PacketErrorCode, offset: number) {
    super(`${DETAILS[code]} (${code}, at byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}

/** The code of a status that is not a packet's. */
export function errorCode(status: number): PacketErrorCode {
  return CODES[status - STATUS_SHORT]!;
}

/**
 * Where the fault is that `status` tells of. Found anew from the bytes, so that the parser, in either language, has only
 * a status to give.
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
