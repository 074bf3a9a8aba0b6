/** The codec backend in TypeScript: runs in every JavaScript engine. */
import {
  ANNOUNCEMENT_ID,
  ANNOUNCEMENT_MAGIC,
  QUERY_ID,
  QUERY_MAGIC,
  STATUS_ANNOUNCEMENT,
  STATUS_QUERY,
} from "../../assembly/layout.ts";
import type { Backend } from "./backend.ts";
import { isIpLength } from "./check.ts";
import { copyOf } from "./copy.ts";
import { errorCode, errorOffset } from "./error.ts";
import { type PacketFields, setError } from "./fields.ts";
import { announcedPort, parse, writeAnnouncementHeader, writeQueryHeader } from "./packet.ts";
import { resultOf } from "./result.ts";
import type { Announcement, DecodeResult, Packet } from "./types.ts";
import { padded, readWord, writeWord } from "./words.ts";

export const tsBackend: Backend = {
  name: "ts",
  decode,
  decodeMany(list) {
    // Not `map`: a subclass of Array would make it return an instance of that class.
    const results = new Array<DecodeResult>(list.length);
    for (let i = 0; i < list.length; i++) results[i] = resultOf(list[i]!, decode(list[i]!));
    return results;
  },
  locate,
  encode(packet, size) {
    const bytes = new Uint8Array(size);
    write(packet, size, bytes, 0);
    return bytes;
  },
  write,
};

/**
 * Reads each word of a packet once; `parse` finds the reason why other bytes are not a packet. Calling `parse` first takes a
 * quarter longer (`bun bench --only codec`).
 */
function decode(bytes: Uint8Array): Packet | number {
  const { length } = bytes;
  if (length >= QUERY_ID) {
    const magic = readWord(bytes, 0);
    const word = readWord(bytes, 4);
    if (magic === QUERY_MAGIC) {
      if (word <= length - QUERY_ID && QUERY_ID + padded(word) === length) {
        return { type: "query", nodeId: copyOf(bytes, QUERY_ID, word) };
      }
    } else if (magic === ANNOUNCEMENT_MAGIC && (word & 0xffff) === 0 && length >= ANNOUNCEMENT_ID + 4) {
      const idLength = readWord(bytes, 8);
      const ip = ANNOUNCEMENT_ID + padded(idLength) + 4;
      if (idLength <= length - ANNOUNCEMENT_ID && ip <= length) {
        const ipLength = length - ip;
        if (isIpLength(ipLength) && readWord(bytes, ip - 4) === ipLength) {
          return {
            type: "announcement",
            nodeId: copyOf(bytes, ANNOUNCEMENT_ID, idLength),
            port: word >>> 16,
            ip: copyOf(bytes, ip, ipLength),
          };
        }
      }
    }
  }
  return parse(bytes, 0, length);
}

function locate(bytes: Uint8Array, fields: PacketFields): boolean {
  const status = parse(bytes, 0, bytes.length);
  if (status === STATUS_ANNOUNCEMENT) {
    const length = readWord(bytes, ANNOUNCEMENT_ID - 4);
    const ip = ANNOUNCEMENT_ID + padded(length) + 4;
    fields.type = "announcement";
    fields.port = announcedPort(bytes, 0);
    fields.nodeIdOffset = ANNOUNCEMENT_ID;
    fields.nodeIdLength = length;
    fields.ipOffset = ip;
    fields.ipLength = bytes.length - ip;
  } else if (status === STATUS_QUERY) {
    fields.type = "query";
    fields.port = 0;
    fields.nodeIdOffset = QUERY_ID;
    fields.nodeIdLength = readWord(bytes, QUERY_ID - 4);
    fields.ipOffset = 0;
    fields.ipLength = 0;
  } else {
    return setError(fields, errorCode(status), errorOffset(bytes, status));
  }
  fields.code = undefined;
  fields.errorOffset = 0;
  return true;
}

function write(packet: Packet, _size: number, target: Uint8Array, at: number): void {
  if (packet.type === "announcement") {
    writeAnnouncement(packet, target, at);
  } else {
    writeId(packet.nodeId, target, at + QUERY_ID);
    writeQueryHeader(target, at, packet.nodeId.length);
  }
}

/**
 * The caller's NodeID and IP may be views of the target, even of the place where the other one is written. So this
 * reads the IP before it writes anything.
 */
function writeAnnouncement({ nodeId, port, ip }: Announcement, target: Uint8Array, at: number): void {
  const a = ip.length === 0 ? 0 : readWord(ip, 0);
  const b = ip.length < 16 ? 0 : readWord(ip, 4);
  const c = ip.length < 16 ? 0 : readWord(ip, 8);
  const d = ip.length < 16 ? 0 : readWord(ip, 12);
  const { length } = ip;
  writeId(nodeId, target, at + ANNOUNCEMENT_ID);
  writeAnnouncementHeader(target, at, port, nodeId.length);
  const end = at + ANNOUNCEMENT_ID + padded(nodeId.length);
  writeWord(target, end, length);
  if (length === 0) return;
  writeWord(target, end + 4, a);
  if (length === 4) return;
  writeWord(target, end + 8, b);
  writeWord(target, end + 12, c);
  writeWord(target, end + 16, d);
}

/** `nodeId` may overlap its destination: `set` handles that, but nothing may read `nodeId` afterwards. */
function writeId(nodeId: Uint8Array, target: Uint8Array, at: number): void {
  const { length } = nodeId;
  target.set(nodeId, at);
  for (let i = at + length; i < at + padded(length); i++) target[i] = 0;
}
