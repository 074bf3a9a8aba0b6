/**
 * Reads queries and announcements from frames into the engine's slots, and writes replies over them. The program in the kernel has
 * checked the headers (program.ts), but not that the packet is whole, and no checksums. Runs for every packet: allocates nothing and
 * throws nothing.
 *
 * Everything is read as little-endian words of 32 bits. Sums of 16-bit halves are the same in either byte order (RFC 1071 §2).
 */
import { IPV4_MAPPED, MAX_PACKET, SLOT_PACKET, SLOT_REPLY, SLOT_SOURCE } from "../../../assembly/layout.ts";
import { AF_INET6 } from "../libc.ts";
import { ADDRESS_WORD, LENGTH_WORD, REPLY_LENGTH_WORD, SLOT_WORDS } from "../slot-words.ts";
import type { Slots } from "../transport.ts";
import { ETHERNET_SIZE, IPV4_SIZE, IPV4_VERSION, IPV6_SIZE, IPV6_VERSION, PROTOCOL_UDP, UDP_SIZE } from "./headers.ts";

/* More offsets in the slots' words. */
const PACKET = SLOT_PACKET >>> 2;
const REPLY = SLOT_REPLY >>> 2;
/** Family and port. */
const SOURCE = SLOT_SOURCE >>> 2;
const SCOPE = ADDRESS_WORD + 4;

/* Offsets in a packet's words. IPv4: length; fragment; checksum, protocol; source; destination. */
const IPV4_CHECKSUM_WORD = 2;
const IPV4_FROM = 3;
const IPV4_TO = 4;
const IPV4_WORDS = IPV4_SIZE >>> 2;
/* IPv6: length and next header; source; destination. */
const IPV6_LENGTH_WORD = 1;
const IPV6_FROM = 2;
const IPV6_TO = 6;
const IPV6_WORDS = IPV6_SIZE >>> 2;
/* UDP: source and destination port; length and checksum. */
const UDP_LENGTH_WORD = 1;
const UDP_WORDS = UDP_SIZE >>> 2;

/** The protocol UDP as the pseudo header has it: a big-endian half, read as little-endian. */
const PSEUDO_UDP = PROTOCOL_UDP << 8;
/** "Do not fragment", as the second half of a word. */
const DO_NOT_FRAGMENT = 0x0040_0000;
/** Time to live of replies, as Linux has it by default. */
const HOPS = 64;
/** Sum of the halves of a reply's IPv4 header, without length, checksum and addresses. */
const IPV4_CONSTANTS = IPV4_VERSION + (DO_NOT_FRAGMENT >>> 16) + HOPS + (PROTOCOL_UDP << 8);

export class Frames {
  /** All frames, as words and as halves. */
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #slots: Int32Array;
  /** Number of the interface: the scope of link-local addresses. */
  readonly #scope: number;

  constructor(frames: ArrayBuffer, size: number, slots: Slots, interfaceIndex: number) {
    this.#words = new Int32Array(frames, 0, size >>> 2);
    this.#halves = new Uint16Array(frames, 0, size >>> 1);
    this.#slots = new Int32Array(slots.bytes.buffer, slots.bytes.byteOffset + slots.at, slots.batch * SLOT_WORDS);
    this.#scope = interfaceIndex;
  }

  /**
   * Copies the packet of a frame, and where it comes from, to a slot.
   *
   * @param at - offset of the frame's first byte: 2 more than a multiple of 4
   * @param size - length of the frame
   * @returns whether it is whole and its checksums are right
   */
  read(at: number, size: number, slot: number): boolean {
    const words = this.#words;
    const ip = (at + ETHERNET_SIZE) >>> 2;
    const version = words[ip]! & 0xff;
    const ipv4 = version === IPV4_VERSION;
    const addresses = this.#addressSum(ip, ipv4);
    if (ipv4) {
      const others = halves(words[ip]!) + halves(words[ip + 1]!) + halves(words[ip + IPV4_CHECKSUM_WORD]!);
      if (fold(others + addresses) !== 0xffff) return false;
    } else if (version >>> 4 !== IPV6_VERSION) return false;
    const udp = ip + (ipv4 ? IPV4_WORDS : IPV6_WORDS);
    const length = swap(words[udp + UDP_LENGTH_WORD]! & 0xffff);
    const header = ipv4 ? IPV4_SIZE : IPV6_SIZE;
    if (ETHERNET_SIZE + header + length > size || !this.#isChecked(udp, ipv4, length, addresses)) return false;
    const payload = length - UDP_SIZE;
    const to = slot * SLOT_WORDS;
    const slots = this.#slots;
    slots[to + LENGTH_WORD] = payload;
    slots[to + SOURCE] = AF_INET6 | (words[udp]! << 16);
    slots[to + SOURCE + 1] = 0;
    slots[to + SCOPE] = 0;
    if (ipv4) {
      slots[to + ADDRESS_WORD] = 0;
      slots[to + ADDRESS_WORD + 1] = 0;
      slots[to + ADDRESS_WORD + 2] = IPV4_MAPPED | 0;
      slots[to + ADDRESS_WORD + 3] = words[ip + IPV4_FROM]!;
    } else {
      for (let i = 0; i < 4; i++) slots[to + ADDRESS_WORD + i] = words[ip + IPV6_FROM + i]!;
      if ((words[ip + IPV6_FROM]! & 0xc0ff) === 0x80fe) slots[to + SCOPE] = this.#scope;
    }
    // Of a longer packet the engine needs the length only.
    if (payload <= MAX_PACKET) this.#copyPacket(udp + UDP_WORDS, to + PACKET, payload);
    return true;
  }

  /**
   * Writes the reply in a slot over the frame of its query.
   *
   * @returns the frame's length; 0 if there is no reply
   */
  write(at: number, slot: number): number {
    const from = slot * SLOT_WORDS;
    const size = this.#slots[from + REPLY_LENGTH_WORD]!;
    if (size === 0) return 0;
    const words = this.#words;
    const ip = (at + ETHERNET_SIZE) >>> 2;
    const ipv4 = (words[ip]! & 0xff) === IPV4_VERSION;
    const length = UDP_SIZE + size;
    const addresses = this.#addressSum(ip, ipv4);
    this.#turnRound(at >>> 1);
    const udp = ip + (ipv4 ? IPV4_WORDS : IPV6_WORDS);
    if (ipv4) this.#writeIpv4(ip, IPV4_SIZE + length, addresses);
    else this.#writeIpv6(ip, length);
    const ports = words[udp]!;
    words[udp] = (ports >>> 16) | (ports << 16);
    const payload = this.#copyReply(from + REPLY, udp + UDP_WORDS, size);
    const checksum = fold(pseudoSum(addresses, length) + halves(ports) + swap(length) + payload) ^ 0xffff;
    // 0 would mean that there is no checksum.
    words[udp + UDP_LENGTH_WORD] = swap(length) | ((checksum || 0xffff) << 16);
    return ETHERNET_SIZE + (ipv4 ? IPV4_SIZE : IPV6_SIZE) + length;
  }

  /**
   * Whether the UDP checksum is right. Within a host the kernel leaves the sum to hardware: then it is that of the pseudo header
   * alone. IPv4 allows none at all.
   */
  #isChecked(udp: number, ipv4: boolean, length: number, addresses: number): boolean {
    const checksum = this.#words[udp + UDP_LENGTH_WORD]! >>> 16;
    if (checksum === 0) return ipv4;
    const pseudo = pseudoSum(addresses, length);
    return checksum === fold(pseudo) || fold(pseudo + this.#sum(udp, length)) === 0xffff;
  }

  /** Sum of the halves of both addresses. It is the same for the reply, which exchanges them. */
  #addressSum(ip: number, ipv4: boolean): number {
    const words = this.#words;
    return ipv4 ? halves(words[ip + IPV4_FROM]!) + halves(words[ip + IPV4_TO]!) : this.#sum(ip + IPV6_FROM, 32);
  }

  /** Sum of the halves of `size` bytes from a word on. */
  #sum(from: number, size: number): number {
    const words = this.#words;
    const end = from + (size >>> 2);
    let sum = 0;
    for (let i = from; i < end; i++) sum += halves(words[i]!);
    return sum + halves(words[end]! & tailMask(size));
  }

  /** Copies bytes, and leaves those behind them as they are. */
  #copyPacket(from: number, to: number, size: number): void {
    const words = this.#words;
    const slots = this.#slots;
    const whole = size >>> 2;
    for (let i = 0; i < whole; i++) slots[to + i] = words[from + i]!;
    const mask = tailMask(size);
    if (mask !== 0) slots[to + whole] = (slots[to + whole]! & ~mask) | (words[from + whole]! & mask);
  }

  /** Copies a reply, which has whole words, as all XDR data. @returns the sum of its halves */
  #copyReply(from: number, to: number, size: number): number {
    const words = this.#words;
    const slots = this.#slots;
    const whole = size >>> 2;
    let sum = 0;
    for (let i = 0; i < whole; i++) {
      const word = slots[from + i]!;
      words[to + i] = word;
      sum += halves(word);
    }
    return sum;
  }

  /** Exchanges the Ethernet addresses. */
  #turnRound(at: number): void {
    const halves = this.#halves;
    for (let i = at; i < at + 3; i++) {
      const half = halves[i]!;
      halves[i] = halves[i + 3]!;
      halves[i + 3] = half;
    }
  }

  #writeIpv4(ip: number, length: number, addresses: number): void {
    const words = this.#words;
    const checksum = fold(IPV4_CONSTANTS + swap(length) + addresses) ^ 0xffff;
    words[ip] = IPV4_VERSION | (swap(length) << 16);
    words[ip + 1] = DO_NOT_FRAGMENT;
    words[ip + IPV4_CHECKSUM_WORD] = HOPS | (PROTOCOL_UDP << 8) | (checksum << 16);
    const from = words[ip + IPV4_FROM]!;
    words[ip + IPV4_FROM] = words[ip + IPV4_TO]!;
    words[ip + IPV4_TO] = from;
  }

  #writeIpv6(ip: number, length: number): void {
    const words = this.#words;
    words[ip] = IPV6_VERSION << 4;
    words[ip + IPV6_LENGTH_WORD] = swap(length) | (PROTOCOL_UDP << 16) | (HOPS << 24);
    for (let i = ip; i < ip + 4; i++) {
      const from = words[i + IPV6_FROM]!;
      words[i + IPV6_FROM] = words[i + IPV6_TO]!;
      words[i + IPV6_TO] = from;
    }
  }
}

/** Sum of both halves of a word. */
function halves(word: number): number {
  return (word & 0xffff) + (word >>> 16);
}

/** Sum of the halves of the pseudo header, given that of its addresses. */
function pseudoSum(addresses: number, length: number): number {
  return addresses + PSEUDO_UDP + swap(length);
}

/** Exchanges the two bytes of a half. */
function swap(half: number): number {
  return ((half & 0xff) << 8) | (half >>> 8);
}

/** Adds the halves of a sum to one of 16 bits, RFC 1071. */
function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** The bytes of a last word that is not whole; 0 if the size is a multiple of 4. */
function tailMask(size: number): number {
  return (1 << ((size & 3) << 3)) - 1;
}
