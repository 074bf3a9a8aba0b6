/** Twin of assembly/columns.ts: decodes and encodes a batch of packets, with one array per field. */
import {
  ANNOUNCEMENT_ID,
  ANNOUNCEMENT_MAGIC,
  QUERY_ID,
  QUERY_MAGIC,
  REFUSED,
  STATUS_ANNOUNCEMENT,
  STATUS_QUERY,
  STATUS_SHORT,
} from "../../../assembly/layout.ts";
import { isIpLength } from "../check.ts";
import { parse } from "../packet.ts";
import { padded } from "../words.ts";
import { type Columns, columnsOf, columnsSize } from "./columns.ts";
import type { BatchEngine } from "./engine.ts";

/** A DataView reads a word with one instruction, which four bytes of an array do not. It is made once for a batch. */
type Room = DataView<ArrayBuffer>;

/** From this many bytes on, `copyWithin` is faster than a loop (`bun bench --only codec`). */
const MANY = 64;

export function createTsEngine(packets: number, bytes: number): BatchEngine {
  const buffer = new ArrayBuffer(columnsSize(packets) + bytes);
  const columns = columnsOf(buffer, packets, bytes);
  const room: Room = new DataView(buffer, columnsSize(packets), bytes);
  return {
    name: "ts",
    columns,
    decode: (size, count) => decodeColumns(room, size, columns, count),
    encode: (count, from) => encodeColumns(room, bytes, columns, count, from),
  };
}

/** One function without helpers: in JavaScriptCore that takes a third of the time (`bun bench --only codec`). */
function decodeColumns(room: Room, size: number, columns: Columns, count: number): number {
  const { offsets, lengths, status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = columns;
  let good = 0;
  for (let row = 0; row < count; row++) {
    const at = offsets[row]!;
    const length = lengths[row]!;
    if (length > size || at > size - length) return REFUSED;
    let kind = STATUS_SHORT;
    let announced = 0;
    let id = 0;
    let idLength = 0;
    let ip = 0;
    let rest = 0;
    if (length >= QUERY_ID) {
      const magic = room.getInt32(at);
      const word = room.getInt32(at + 4);
      if (magic === QUERY_MAGIC) {
        const given = word >>> 0;
        if (given <= length - QUERY_ID && QUERY_ID + padded(given) === length) {
          kind = STATUS_QUERY;
          id = at + QUERY_ID;
          idLength = given;
        }
      } else if (magic === ANNOUNCEMENT_MAGIC && (word & 0xffff) === 0 && length >= ANNOUNCEMENT_ID + 4) {
        const given = room.getInt32(at + 8) >>> 0;
        const end = ANNOUNCEMENT_ID + padded(given) + 4;
        const left = length - end;
        if (given <= length - ANNOUNCEMENT_ID && isIpLength(left) && room.getInt32(at + end - 4) === left) {
          kind = STATUS_ANNOUNCEMENT;
          announced = word >>> 16;
          id = at + ANNOUNCEMENT_ID;
          idLength = given;
          ip = at + end;
          rest = left;
        }
      }
    }
    if (kind === STATUS_SHORT) kind = parse(columns.bytes, at, length);
    else good++;
    status[row] = kind;
    port[row] = announced;
    nodeIdOffset[row] = id;
    nodeIdLength[row] = idLength;
    ipOffset[row] = ip;
    ipLength[row] = rest;
  }
  return good;
}

function encodeColumns(room: Room, size: number, columns: Columns, count: number, from: number): number {
  const start = startOf(columns, count, from);
  if (start + totalOf(columns, count) > size) return REFUSED;

  const { bytes, offsets, lengths, status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = columns;
  let good = 0;
  let at = start;
  for (let row = 0; row < count; row++) {
    offsets[row] = at;
    const kind = status[row]!;
    if (kind <= STATUS_QUERY) {
      const id = nodeIdOffset[row]!;
      const idLength = nodeIdLength[row]!;
      if (kind === STATUS_QUERY) {
        room.setInt32(at, QUERY_MAGIC);
        room.setInt32(at + 4, idLength);
        at += QUERY_ID + writeId(room, bytes, at + QUERY_ID, id, idLength);
      } else {
        room.setInt32(at, ANNOUNCEMENT_MAGIC);
        room.setInt32(at + 4, port[row]! << 16);
        room.setInt32(at + 8, idLength);
        at += ANNOUNCEMENT_ID + writeId(room, bytes, at + ANNOUNCEMENT_ID, id, idLength);
        const ip = ipOffset[row]!;
        const length = ipLength[row]!;
        room.setInt32(at, length);
        at += 4;
        for (let i = 0; i < length; i += 4) room.setInt32(at + i, room.getInt32(ip + i));
        at += length;
      }
      good++;
    }
    lengths[row] = at - offsets[row]!;
  }
  return good;
}

/** Where the first datagram starts: at `from`, or after the last NodeID and IP. */
export function startOf(columns: Columns, count: number, from: number): number {
  const { status, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = columns;
  let start = from;
  for (let row = 0; row < count; row++) {
    if (status[row]! > STATUS_QUERY) continue;
    if (nodeIdLength[row] !== 0) start = Math.max(start, nodeIdOffset[row]! + nodeIdLength[row]!);
    if (status[row] === STATUS_QUERY) continue;
    if (ipLength[row] !== 0) start = Math.max(start, ipOffset[row]! + ipLength[row]!);
  }
  return start;
}

/** Size of all datagrams. More than any room has if a port or the length of an IP is wrong. */
export function totalOf({ status, port, nodeIdLength, ipLength }: Columns, count: number): number {
  let total = 0;
  for (let row = 0; row < count; row++) {
    if (status[row]! > STATUS_QUERY) continue;
    total += QUERY_ID + padded(nodeIdLength[row]!);
    if (status[row] === STATUS_QUERY) continue;
    if (port[row]! > 0xffff || !isIpLength(ipLength[row]!)) return Number.POSITIVE_INFINITY;
    // An announcement has 8 bytes more than a query, and its IP: the port, the reserved bytes and the length of the IP.
    total += 8 + ipLength[row]!;
  }
  return total;
}

/** Copies a NodeID and writes its padding. Returns the length of both. */
function writeId(room: Room, bytes: Uint8Array, to: number, id: number, length: number): number {
  const end = padded(length);
  if (end !== 0) room.setInt32(to + end - 4, 0);
  if (length > MANY) {
    bytes.copyWithin(to, id, id + length);
    return end;
  }
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) room.setInt32(to + i, room.getInt32(id + i));
  for (let i = whole; i < length; i++) bytes[to + i] = bytes[id + i]!;
  return end;
}
