/** Packets for the tests, built by hand, so that the tests do not depend on the codec under test. */
import type { Random } from "./random.ts";

const encoder = new TextEncoder();

export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

export function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Byte by byte: a DataView for each packet would take most of the time of a test that makes a million of them. */
function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function query(nodeId: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(8 + Math.ceil(nodeId.length / 4) * 4);
  setWord(packet, 0, 0x19760309);
  setWord(packet, 4, nodeId.length);
  packet.set(nodeId, 8);
  return packet;
}

export function announcement(
  nodeId: Uint8Array,
  port: number,
  ip: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const end = 12 + Math.ceil(nodeId.length / 4) * 4;
  const packet = new Uint8Array(end + 4 + ip.length);
  setWord(packet, 0, 0x20121025);
  setWord(packet, 4, port << 16);
  setWord(packet, 8, nodeId.length);
  packet.set(nodeId, 12);
  setWord(packet, end, ip.length);
  packet.set(ip, end + 4);
  return packet;
}

/** Lengths that overflow or become negative in 32-bit arithmetic. */
export const NASTY_LENGTHS = [
  0, 1, 2, 3, 4, 5, 15, 16, 17, 0x7ffffff0, 0x7ffffffb, 0x7ffffffc, 0x7ffffffd, 0x7ffffffe, 0x7fffffff, 0x80000000,
  0x80000001, 0x80000003, 0x80000004, 0xfffffff0, 0xfffffff4, 0xfffffff8, 0xfffffffb, 0xfffffffc, 0xfffffffd,
  0xfffffffe, 0xffffffff,
];

/** A copy of `packet` with a random change. The copy may happen to be equal. */
export function mutate(random: Random, packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  switch (random.below(6)) {
    case 0:
      if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
      return copy;
    case 1:
      return copy.subarray(0, random.below(copy.length + 1));
    case 2: {
      const longer = new Uint8Array(copy.length + 1 + random.below(20));
      longer.set(copy);
      if (random.once(2)) longer.fill(random.word(), copy.length);
      return longer;
    }
    case 3: {
      const words = copy.length >>> 2;
      if (words > 0) {
        const value = random.once(4) ? random.word() : random.pick(NASTY_LENGTHS);
        new DataView(copy.buffer).setUint32(random.below(words) * 4, value);
      }
      return copy;
    }
    case 4:
      if (copy.length > 0) copy[random.below(copy.length)] = random.word();
      return copy;
    default:
      if (copy.length > 4) copy.fill(random.word(), copy.length - 1 - random.below(3));
      return copy;
  }
}
