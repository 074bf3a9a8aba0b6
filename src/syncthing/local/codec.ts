/**
 * Packets of local discovery v4: a magic number, then a protobuf message with three fields. They are written and read by hand,
 * because pbf, the smallest library for protobuf, has 9 kB when minified, and this file 1 kB.
 */
import { DEVICE_ID_BYTES } from "../device-id.ts";

const MAGIC = 0x2ea7d90b;
const MAGIC_BYTES = 4;
/**
 * The longest datagram that is read. One with the most addresses that are kept of a device (MAX_DEVICE_BYTES) has some 4,200
 * bytes; Syncthing itself sends 150 to 500.
 */
const MAX_DATAGRAM_BYTES = 8_192;

const ID = 1;
const ADDRESS = 2;
const INSTANCE = 3;

/** Wire types of protobuf. 3 and 4 are groups, which nothing uses any more. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
/** The longest varint, in bytes: 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

export interface Announcement {
  /** 32 bytes, a part of the datagram. */
  readonly id: Uint8Array;
  /** Any texts; those that are no ASCII are garbled. */
  readonly addresses: readonly string[];
  /** A random number that changes when the device is restarted; 64 bits with sign. */
  readonly instance: bigint;
}

/**
 * Writes an announcement.
 *
 * @param addresses - ASCII
 */
export function encodeAnnouncement({ id, addresses, instance }: Announcement): Uint8Array {
  const bytes = [MAGIC >>> 24, (MAGIC >>> 16) & 0xff, (MAGIC >>> 8) & 0xff, MAGIC & 0xff];
  const varint = (value: bigint) => {
    for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
      if (rest < 0x80n) return void bytes.push(Number(rest));
      bytes.push(Number(rest & 0x7fn) | 0x80);
    }
  };
  const field = (number: number, content: Uint8Array) => {
    varint(BigInt((number << 3) | LENGTH));
    varint(BigInt(content.length));
    bytes.push(...content);
  };
  field(ID, id);
  for (const address of addresses) field(ADDRESS, Buffer.from(address, "latin1"));
  varint(BigInt((INSTANCE << 3) | VARINT));
  varint(instance);
  return Uint8Array.from(bytes);
}

/**
 * Reads an announcement. Unknown fields are skipped. Of a field that stands there twice, the last one counts, as everywhere in
 * protobuf.
 *
 * @returns `undefined` if it is none, whatever it is: malformed, without a device ID of 32 bytes, or of an older version
 */
export function decodeAnnouncement(datagram: Buffer): Announcement | undefined {
  const { length } = datagram;
  if (length < MAGIC_BYTES || length > MAX_DATAGRAM_BYTES || datagram.readUInt32BE(0) !== MAGIC) return undefined;
  let at = MAGIC_BYTES;
  /** Reads a varint, and returns undefined if it is cut off or too long. Above 2^53 it is not exact. */
  const varint = (): number | undefined => {
    let value = 0;
    for (let scale = 1, i = 0; i < MAX_VARINT_BYTES && at < length; scale *= 0x80, i++) {
      const byte = datagram[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return undefined;
  };

  let id: Uint8Array | undefined;
  let instance: Uint8Array | undefined;
  const addresses: string[] = [];
  while (at < length) {
    const tag = varint();
    // The number of a field has 29 bits, and is not 0.
    if (tag === undefined || tag < 8 || tag > 0xffff_ffff) return undefined;
    const field = Math.floor(tag / 8);
    const type = tag % 8;
    const begin = at;
    const value = type === VARINT || type === LENGTH ? varint() : 0;
    if (value === undefined) return undefined;
    if (type === VARINT) {
      if (field === INSTANCE) instance = datagram.subarray(begin, at);
      continue;
    }
    if (type !== LENGTH && type !== FIXED64 && type !== FIXED32) return undefined;
    const start = at;
    at += type === LENGTH ? value : type === FIXED64 ? 8 : 4;
    if (at > length) return undefined;
    if (type === LENGTH && field === ID) id = datagram.subarray(start, at);
    if (type === LENGTH && field === ADDRESS) addresses.push(datagram.toString("latin1", start, at));
  }
  if (id?.length !== DEVICE_ID_BYTES) return undefined;
  return { id, addresses, instance: instance === undefined ? 0n : exactVarint(instance) };
}

function exactVarint(bytes: Uint8Array): bigint {
  const value = bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);
  return BigInt.asIntN(64, value);
}
