/**
 * Columns: a batch of packets with one array for each field. The datagrams are in one area of the memory, the room, and
 * offsets count from its start. `columns` is the address of the COLUMNS columns, which follow each other. Each has
 * `rows` words; the first `count` are used.
 */

import { encodeAnnouncement, encodeQuery } from "./codec";
import { decodeFour } from "./four";
import {
  ANNOUNCEMENT_ID,
  ANNOUNCEMENT_MAGIC,
  COLUMN_ID_LENGTH,
  COLUMN_ID_OFFSET,
  COLUMN_IP_LENGTH,
  COLUMN_IP_OFFSET,
  COLUMN_PORT,
  COLUMN_STATUS,
  QUERY_ID,
  QUERY_MAGIC,
  REFUSED,
  STATUS_ANNOUNCEMENT,
  STATUS_QUERY,
} from "./layout";
import { parse } from "./packet";
import { padded, readWord } from "./xdr";

/**
 * Decodes `count` datagrams of the room, which has `size` bytes: from the columns offset and length to the others.
 * Returns how many are packets, or REFUSED at the first datagram that is not inside of the room.
 *
 * This loop recognizes packets itself, to read each of their words once; `parse` finds the reason why other bytes are not a
 * packet. Words are compared as they are on the wire where possible, since wasm has no instruction that swaps bytes.
 */
export function decodeColumns(room: usize, size: u32, columns: usize, rows: u32, count: u32): u32 {
  const width: usize = rows << 2;
  const end = columns + (count << 2);
  let good: u32 = 0;
  let fours = columns;
  for (let row = columns; row !== end; row += 4) {
    if (ASC_FEATURE_SIMD) {
      // After a failure the next rows are decoded here: trying again at each of them would cost more than it gains.
      while (row >= fours && end - row >= 16) {
        if (decodeFour(room, size, row, width)) {
          good += 4;
          row += 16;
        } else {
          fours = row + 16;
        }
      }
      if (row === end) break;
    }
    const offset = load<u32>(row);
    const length = load<u32>(row + width);
    if (length > size || offset > size - length) return REFUSED;
    const at = room + offset;
    const to = row + <usize>COLUMN_STATUS * width;
    if (length >= <u32>QUERY_ID) {
      const magic = load<u32>(at);
      const word = load<u32>(at, 4);
      if (magic === bswap<u32>(QUERY_MAGIC)) {
        const idLength = bswap<u32>(word);
        if (idLength <= length - QUERY_ID && QUERY_ID + padded(idLength) === length) {
          writeRow(to, width, STATUS_QUERY, 0, offset + QUERY_ID, idLength, 0, 0);
          good++;
          continue;
        }
      } else if (magic === bswap<u32>(ANNOUNCEMENT_MAGIC) && word >>> 16 === 0 && length >= <u32>ANNOUNCEMENT_ID + 4) {
        const idLength = readWord(at + 8);
        const ip = <u32>ANNOUNCEMENT_ID + padded(idLength) + 4;
        if (idLength <= length - ANNOUNCEMENT_ID && ip <= length) {
          const ipLength = length - ip;
          if (isIpLength(ipLength) && load<u32>(at + ip - 4) === ipLength << 24) {
            const port = ((word & 0xff) << 8) | (word >>> 8);
            writeRow(to, width, STATUS_ANNOUNCEMENT, port, offset + ANNOUNCEMENT_ID, idLength, offset + ip, ipLength);
            good++;
            continue;
          }
        }
      }
    }
    writeRow(to, width, parse(at, length), 0, 0, 0, 0, 0);
  }
  return good;
}

function writeRow(
  to: usize,
  width: usize,
  status: u32,
  port: u32,
  id: u32,
  idLength: u32,
  ip: u32,
  ipLength: u32,
): void {
  store<u32>(to, status);
  to += width;
  store<u32>(to, port);
  to += width;
  store<u32>(to, id);
  to += width;
  store<u32>(to, idLength);
  to += width;
  store<u32>(to, ip);
  to += width;
  store<u32>(to, ipLength);
}

/** Whether an IP may have `length` bytes: 0, 4 or 16, the bits that are set in the mask. */
function isIpLength(length: u32): bool {
  return length <= 16 && ((0x10011 >>> length) & 1) !== 0;
}

/**
 * Encodes `count` packets, whose NodeIDs and IPs are in the room: from the other columns to the columns offset and
 * length. The datagrams follow each other in the room, from `from` on or after the last NodeID and IP, whichever is
 * later. A row whose status is an error gets no datagram: its length is 0. Returns the number of datagrams, or REFUSED,
 * before anything is written, if a row is wrong or the datagrams do not fit.
 */
export function encodeColumns(room: usize, size: u32, columns: usize, rows: u32, count: u32, from: u32): u32 {
  const width: usize = rows << 2;
  const end = columns + (count << 2);
  const start = startOf(columns, width, end, from);
  if (start + totalOf(columns, width, end) > <u64>size) return REFUSED;

  let good: u32 = 0;
  let offset = <u32>start;
  for (let row = columns; row !== end; row += 4) {
    const length = encodeRow(room, offset, row, width);
    if (length !== 0) good++;
    store<u32>(row, offset);
    store<u32>(row + width, length);
    offset += length;
  }
  return good;
}

/** Encodes the packet of a row at `offset`. Returns its size, or 0 if the status is an error. */
function encodeRow(room: usize, offset: u32, row: usize, width: usize): u32 {
  const status = load<u32>(row + <usize>COLUMN_STATUS * width);
  if (status > <u32>STATUS_QUERY) return 0;
  const to = room + offset;
  const idLength = load<u32>(row + <usize>COLUMN_ID_LENGTH * width);
  const id = room + placeOf(row + <usize>COLUMN_ID_OFFSET * width, idLength);
  if (status === STATUS_QUERY) return encodeQuery(to, id, idLength);
  const ipLength = load<u32>(row + <usize>COLUMN_IP_LENGTH * width);
  const ip = room + placeOf(row + <usize>COLUMN_IP_OFFSET * width, ipLength);
  return encodeAnnouncement(to, load<u32>(row + <usize>COLUMN_PORT * width), id, idLength, ip, ipLength);
}

/** The offset at `at`. That of no bytes may be any number, and `memory.copy` traps if it is outside of the memory. */
function placeOf(at: usize, length: u32): u32 {
  return length === 0 ? 0 : load<u32>(at);
}

/** Where the first datagram starts: at `from`, or after the last NodeID and IP. */
function startOf(columns: usize, width: usize, end: usize, from: u32): u64 {
  let start: u64 = from;
  for (let row = columns; row !== end; row += 4) {
    const status = load<u32>(row + <usize>COLUMN_STATUS * width);
    if (status > <u32>STATUS_QUERY) continue;
    const idLength = load<u32>(row + <usize>COLUMN_ID_LENGTH * width);
    if (idLength !== 0) start = max(start, <u64>load<u32>(row + <usize>COLUMN_ID_OFFSET * width) + idLength);
    if (status === STATUS_QUERY) continue;
    const ipLength = load<u32>(row + <usize>COLUMN_IP_LENGTH * width);
    if (ipLength !== 0) start = max(start, <u64>load<u32>(row + <usize>COLUMN_IP_OFFSET * width) + ipLength);
  }
  return start;
}

/** Size of all datagrams. More than any room has if a port or the length of an IP is wrong. */
function totalOf(columns: usize, width: usize, end: usize): u64 {
  let total: u64 = 0;
  for (let row = columns; row !== end; row += 4) {
    const status = load<u32>(row + <usize>COLUMN_STATUS * width);
    if (status > <u32>STATUS_QUERY) continue;
    total += QUERY_ID + ((<u64>load<u32>(row + <usize>COLUMN_ID_LENGTH * width) + 3) & ~3);
    if (status === STATUS_QUERY) continue;
    const ipLength = load<u32>(row + <usize>COLUMN_IP_LENGTH * width);
    if (load<u32>(row + <usize>COLUMN_PORT * width) > 0xffff || !isIpLength(ipLength)) return (<u64>1) << 62;
    // An announcement has 8 bytes more than a query, and its IP: the port, the reserved bytes and the length of the IP.
    total += 8 + ipLength;
  }
  return total;
}
