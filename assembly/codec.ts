/**
 * The codec for any host: decodes and encodes one packet or a batch in the module's own memory. It keeps no state there
 * between calls, so the host may use and grow the whole memory as it likes. docs/codec-wasm.md describes the interface.
 */
import { ANNOUNCEMENT_ID, QUERY_ID, STATUS_ANNOUNCEMENT, STATUS_QUERY } from "./layout";
import { parse, writeAnnouncementHeader, writeQueryHeader } from "./packet";
import { padded, readWord, writeWord } from "./xdr";

/**
 * Size of a packet's fields, eight words: status, port, offset and length of the NodeID, offset and length of the IP,
 * two unused.
 */
const FIELDS: usize = 32;

/**
 * Decodes the `size` bytes at `at` and writes the fields to `fields`. Offsets in the fields are relative to `at`.
 * Returns the status.
 */
export function decode(at: usize, size: u32, fields: usize): u32 {
  const status = parse(at, size);
  store<u32>(fields, status);
  if (status === STATUS_QUERY) {
    store<u32>(fields, 0, 4);
    store<u32>(fields, QUERY_ID, 8);
    store<u32>(fields, readWord(at + 4), 12);
    store<u32>(fields, 0, 16);
    store<u32>(fields, 0, 20);
  } else if (status === STATUS_ANNOUNCEMENT) {
    const length = readWord(at + 8);
    const ip = ANNOUNCEMENT_ID + padded(length) + 4;
    store<u32>(fields, readWord(at + 4) >>> 16, 4);
    store<u32>(fields, ANNOUNCEMENT_ID, 8);
    store<u32>(fields, length, 12);
    store<u32>(fields, ip, 16);
    store<u32>(fields, size - ip, 20);
  }
  return status;
}

/**
 * Decodes `count` packets. `table` holds two words per packet: its address and its size. `fields` receives 32 bytes per
 * packet. Returns how many were valid packets.
 */
export function decodeBatch(table: usize, count: u32, fields: usize): u32 {
  let good: u32 = 0;
  for (let left = count; left !== 0; left--, table += 8, fields += FIELDS) {
    if (decode(load<u32>(table), load<u32>(table, 4), fields) <= <u32>STATUS_QUERY) good++;
  }
  return good;
}

/**
 * Encodes an announcement at `to`, with `length` bytes of NodeID at `id` and `ipLength` bytes of IP at `ip`. Returns
 * its size. NodeID and IP may already be at their final place.
 */
export function encodeAnnouncement(to: usize, port: u32, id: usize, length: u32, ip: usize, ipLength: u32): u32 {
  const end = to + ANNOUNCEMENT_ID + padded(length);
  memory.copy(end + 4, ip, ipLength);
  writeId(to + ANNOUNCEMENT_ID, id, length);
  writeWord(end, ipLength);
  writeAnnouncementHeader(to, port, length);
  return ANNOUNCEMENT_ID + padded(length) + 4 + ipLength;
}

/**
 * Encodes a query at `to` for the `length` bytes of NodeID at `id`, which may already be at its final place. Returns
 * its size.
 */
export function encodeQuery(to: usize, id: usize, length: u32): u32 {
  writeId(to + QUERY_ID, id, length);
  writeQueryHeader(to, length);
  return QUERY_ID + padded(length);
}

/** Writes a NodeID and its padding. */
function writeId(to: usize, id: usize, length: u32): void {
  memory.copy(to, id, length);
  for (let i = length; i < padded(length); i++) store<u8>(to + i, 0);
}
