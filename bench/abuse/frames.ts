/**
 * Ethernet frames with UDP datagrams from any source address, in one buffer for sendmmsg. What all frames have in common is
 * written once; per packet only the source, the payload and the checksum of what changed are written.
 */
import { type Pointer, ptr } from "bun:ffi";
import { ipFromText } from "../../src/codec/index.ts";
import type { Family } from "./addresses.ts";

/** Bytes per frame in the buffer. The IP header starts at byte 16, so that it is aligned; the frame starts 14 before. */
const SLOT = 192;
const SLOT_WORDS = SLOT / 4;
const ETHERNET = 14;
const FRAME_AT = 2;
const IP_AT = 16;
const IP_SIZE = { v4: 20, v6: 40 } as const;
const UDP_SIZE = 8;
const UDP = 17;
const MAX_PAYLOAD = SLOT - IP_AT - IP_SIZE.v6 - UDP_SIZE;

/** Offset of the source address in the IP header, in words. */
const SOURCE = { v4: 3, v6: 2 } as const;
/** Offset of the IPv4 checksum in the IP header, in half-words. */
const CHECKSUM_V4 = 5;

export interface FrameOptions {
  readonly family: Family;
  readonly destinationMac: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The payloads to choose from, all of one length, which is a multiple of 4. */
  readonly payloads: readonly Uint8Array[];
  /**
   * Where {@link Frames.stamp} writes a number into the payload, in bytes; a multiple of 4. Not for IPv6, where the
   * checksum covers the payload.
   */
  readonly stampAt?: number | undefined;
}

/** An address as words of memory. */
export function addressWords(text: string): Int32Array {
  return new Int32Array(ipFromText(text).buffer.slice(0));
}

export class Frames {
  readonly count: number;
  /** Length of each frame. */
  readonly length: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #v6: boolean;
  readonly #sourceAt: number;
  readonly #payloadAt: number;
  readonly #payloads: readonly Int32Array[];
  /** By payload: sum of all half-words that the checksum covers, except the source. */
  readonly #sums: readonly number[];
  readonly #stampAt: number;
  readonly #payloadOf: Int32Array;

  constructor(count: number, options: FrameOptions) {
    const { family, payloads } = options;
    const size = payloads[0]!.length;
    if (size > MAX_PAYLOAD || size % 4 !== 0 || payloads.some(({ length }) => length !== size)) {
      throw new Error("the payloads of an attack must have one length, a multiple of 4");
    }
    this.count = count;
    this.length = ETHERNET + IP_SIZE[family] + UDP_SIZE + size;
    const buffer = new ArrayBuffer(count * SLOT);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#v6 = family === "v6";
    this.#sourceAt = IP_AT / 4 + SOURCE[family];
    this.#payloadAt = (IP_AT + IP_SIZE[family] + UDP_SIZE) / 4;
    this.#payloads = payloads.map(
      (payload) => new Int32Array(payload.buffer.slice(payload.byteOffset, payload.byteOffset + size)),
    );
    this.#stampAt = this.#payloadAt + (options.stampAt ?? 0) / 4;
    this.#payloadOf = new Int32Array(count);
    for (let i = 0; i < count; i++) this.#writeHeaders(i, options, size);
    const headers = this.#v6 ? this.#pseudoHeaderSum(size) : halfSum(this.#halves, IP_AT / 2, IP_SIZE.v4 / 2);
    this.#sums = this.#payloads.map((payload) =>
      this.#v6 ? headers + halfSum(new Uint16Array(payload.buffer), 0, size / 2) : headers,
    );
    for (let i = 0; i < count; i++) this.setPayload(i, 0);
  }

  /** The address of frame `i`. */
  pointer(i: number): Pointer {
    return (ptr(this.#bytes) + i * SLOT + FRAME_AT) as Pointer;
  }

  /** A copy of frame `i`. */
  frame(i: number): Uint8Array {
    return this.#bytes.slice(i * SLOT + FRAME_AT, i * SLOT + FRAME_AT + this.length);
  }

  setPayload(i: number, payload: number): void {
    this.#payloadOf[i] = payload;
    const words = this.#words;
    const from = this.#payloads[payload]!;
    const to = i * SLOT_WORDS + this.#payloadAt;
    for (let word = 0; word < from.length; word++) words[to + word] = from[word]!;
  }

  /** Writes `n` as eight letters, over 8 bytes of the payload. */
  stamp(i: number, n: number): void {
    const at = i * SLOT_WORDS + this.#stampAt;
    this.#words[at] = letters(n & 0xffff);
    this.#words[at + 1] = letters(n >>> 16);
  }

  /** Sets the destination's port. Not for IPv6, where the checksum covers it. */
  setDestinationPort(i: number, port: number): void {
    this.#halves[(i * SLOT_WORDS + this.#payloadAt) * 2 - 3] = ((port & 0xff) << 8) | (port >>> 8);
  }

  /** Sets the source to an IPv4 address, which is a word of memory. Call it after `setPayload`. */
  setSource4(i: number, address: number): void {
    this.#words[i * SLOT_WORDS + this.#sourceAt] = address;
    const sum = this.#sums[0]! + (address & 0xffff) + (address >>> 16);
    this.#halves[(i * SLOT + IP_AT) / 2 + CHECKSUM_V4] = ~folded(sum);
  }

  /** Sets the source to the IPv6 address in four words from `at` on. Call it after `setPayload`. */
  setSource6(i: number, addresses: Int32Array, at: number): void {
    const to = i * SLOT_WORDS + this.#sourceAt;
    let sum = this.#sums[this.#payloadOf[i]!]!;
    for (let word = 0; word < 4; word++) {
      const value = addresses[at + word]!;
      this.#words[to + word] = value;
      sum += (value & 0xffff) + (value >>> 16);
    }
    // 0 means: no checksum, which IPv6 does not allow.
    this.#halves[(i * SLOT_WORDS + this.#payloadAt) * 2 - 1] = ~folded(sum) & 0xffff || 0xffff;
  }

  #writeHeaders(i: number, options: FrameOptions, size: number): void {
    const { destinationMac, destination, sourcePort, destinationPort } = options;
    const frame = i * SLOT + FRAME_AT;
    const ip = i * SLOT + IP_AT;
    const udp = ip + (this.#v6 ? IP_SIZE.v6 : IP_SIZE.v4);
    const view = new DataView(this.#bytes.buffer);
    this.#bytes.set(
      destinationMac.split(":").map((byte) => Number.parseInt(byte, 16)),
      frame,
    );
    view.setUint8(frame + 6, 0x02);
    if (this.#v6) {
      view.setUint16(frame + 12, 0x86dd);
      view.setUint8(ip, 0x60);
      view.setUint16(ip + 4, UDP_SIZE + size);
      view.setUint8(ip + 6, UDP);
      view.setUint8(ip + 7, 64);
      this.#bytes.set(ipFromText(destination), ip + 24);
    } else {
      view.setUint16(frame + 12, 0x0800);
      view.setUint8(ip, 0x45);
      view.setUint16(ip + 2, IP_SIZE.v4 + UDP_SIZE + size);
      view.setUint8(ip + 8, 64);
      view.setUint8(ip + 9, UDP);
      this.#bytes.set(ipFromText(destination), ip + 16);
    }
    view.setUint16(udp, sourcePort);
    view.setUint16(udp + 2, destinationPort);
    view.setUint16(udp + 4, UDP_SIZE + size);
  }

  /** Everything but source and payload that a checksum of UDP over IPv6 covers. */
  #pseudoHeaderSum(size: number): number {
    const pseudo = new DataView(new ArrayBuffer(4));
    pseudo.setUint16(0, UDP_SIZE + size);
    pseudo.setUint16(2, UDP);
    const destination = halfSum(this.#halves, (IP_AT + 24) / 2, 8);
    const udp = halfSum(this.#halves, (IP_AT + IP_SIZE.v6) / 2, UDP_SIZE / 2);
    return destination + udp + halfSum(new Uint16Array(pseudo.buffer), 0, 2);
  }
}

/** The ones' complement sum is the same in any byte order, so the half-words are read as they are. */
function halfSum(halves: Uint16Array, at: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += halves[at + i]!;
  return sum;
}

function folded(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** 16 bits as four letters, A to P. */
function letters(bits: number): number {
  return 0x41414141 + ((bits & 15) | ((bits & 0xf0) << 4) | ((bits & 0xf00) << 8) | ((bits & 0xf000) << 12));
}
