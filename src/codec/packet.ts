/** Twin of assembly/packet.ts: the two packets of the protocol, in a byte array. */
import {
  ANNOUNCEMENT_ID,
  ANNOUNCEMENT_MAGIC,
  QUERY_ID,
  QUERY_MAGIC,
  STATUS_ANNOUNCEMENT,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_QUERY,
  STATUS_SHORT,
  STATUS_TRAILING,
} from "../../assembly/layout.ts";
import { padded, readWord, writeWord } from "./words.ts";

/**
 * Determines what the `size` bytes at `at` are: an announcement, a query, or the reason why they are neither. Checks
 * the fields in their order, so the first wrong field gives the reason.
 */
export function parse(bytes: Uint8Array, at: number, size: number): number {
  if (size < 4) return STATUS_SHORT;
  const magic = readWord(bytes, at);
  if (magic === QUERY_MAGIC) {
    if (size < QUERY_ID) return STATUS_SHORT;
    const length = readWord(bytes, at + 4);
    if (length > size - QUERY_ID) return STATUS_BAD_ID_LENGTH;
    const end = QUERY_ID + padded(length);
    if (size < end) return STATUS_SHORT;
    return size > end ? STATUS_TRAILING : STATUS_QUERY;
  }
  if (magic !== ANNOUNCEMENT_MAGIC) return STATUS_BAD_MAGIC;
  if (size < 8) return STATUS_SHORT;
  if ((readWord(bytes, at + 4) & 0xffff) !== 0) return STATUS_BAD_RESERVED;
  if (size < ANNOUNCEMENT_ID) return STATUS_SHORT;
  const length = readWord(bytes, at + 8);
  if (length > size - ANNOUNCEMENT_ID) return STATUS_BAD_ID_LENGTH;
  const ip = ANNOUNCEMENT_ID + padded(length) + 4;
  if (size < ip) return STATUS_SHORT;
  const ipLength = readWord(bytes, at + ip - 4);
  if (ipLength !== 0 && ipLength !== 4 && ipLength !== 16) return STATUS_BAD_IP_LENGTH;
  if (ipLength > size - ip) return STATUS_BAD_IP_LENGTH;
  return size - ip > ipLength ? STATUS_TRAILING : STATUS_ANNOUNCEMENT;
}

/** Port of the announcement at `at`: the upper half of its second word. */
export function announcedPort(bytes: Uint8Array, at: number): number {
  return readWord(bytes, at + 4) >>> 16;
}

/** Writes magic, port and length of an announcement. The caller writes NodeID, padding and IP. */
export function writeAnnouncementHeader(bytes: Uint8Array, at: number, port: number, length: number): void {
  writeWord(bytes, at, ANNOUNCEMENT_MAGIC);
  writeWord(bytes, at + 4, port << 16);
  writeWord(bytes, at + 8, length);
}

/** Writes magic and length of a query. The caller writes NodeID and padding. */
export function writeQueryHeader(bytes: Uint8Array, at: number, length: number): void {
  writeWord(bytes, at, QUERY_MAGIC);
  writeWord(bytes, at + 4, length);
}
