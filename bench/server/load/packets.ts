/**
 * Writes and checks the packets of bench/packets.ts in place, without a table of packets and without garbage. Words are
 * little-endian, like the machine's; constants that are big-endian on the wire are byte-swapped once, here.
 */
import { ID_LENGTH } from "../../packets.ts";

/** Space per packet, in words. */
const PACKET_WORDS = 24;
export const PACKET_SIZE = PACKET_WORDS * 4;
export const QUERY_LENGTH = 8 + ID_LENGTH;
export const ANNOUNCEMENT_LENGTH = 16 + ID_LENGTH;
/** A reply with an IPv4 address. */
export const REPLY_LENGTH = 20 + ID_LENGTH;

const QUERY_MAGIC = swapped(0x19760309);
const ANNOUNCEMENT_MAGIC = swapped(0x20121025);
const LENGTH = swapped(ID_LENGTH);
const IPV4_LENGTH = swapped(4);
const IP_LENGTH_WORD = 3 + ID_LENGTH / 4;

const ALPHABET = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
const DIGITS = new Int32Array(256).fill(-1);
ALPHABET.forEach((code, digit) => {
  DIGITS[code] = digit;
});
/** Characters at the start of a NodeID that encode the node's number. */
const NUMBER_LENGTH = 7;

function swapped(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/**
 * The word of an announcement that holds the port of node `n`: the same port as `announcement` of bench/packets.ts
 * gives it.
 */
function portWord(n: number): number {
  const port = 1024 + (n % 60_000);
  return (port >>> 8) | ((port & 0xff) << 8);
}

/** A buffer of packets, PACKET_SIZE bytes apart. */
export class Packets {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #network: number;

  /** @param network - first byte of the addresses that nodes are announced from */
  constructor(count: number, network = 127) {
    this.#network = network;
    const buffer = new ArrayBuffer(count * PACKET_SIZE);
    this.bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  /** Writes the query for node `n` as packet `i`: QUERY_LENGTH bytes. */
  writeQuery(i: number, n: number): void {
    const word = i * PACKET_WORDS;
    this.#words[word] = QUERY_MAGIC;
    this.#words[word + 1] = LENGTH;
    this.#writeId(i * PACKET_SIZE + 8, n);
  }

  /** Writes the announcement of node `n` as packet `i`: ANNOUNCEMENT_LENGTH bytes. */
  writeAnnouncement(i: number, n: number): void {
    const word = i * PACKET_WORDS;
    this.#words[word] = ANNOUNCEMENT_MAGIC;
    this.#words[word + 1] = portWord(n);
    this.#words[word + 2] = LENGTH;
    this.#words[word + IP_LENGTH_WORD] = 0;
    this.#writeId(i * PACKET_SIZE + 12, n);
  }

  /**
   * The node that packet `i`, of `length` bytes, is a correct reply for; -1 if it is no correct reply. Any address of the
   * clients' network is correct.
   */
  answered(i: number, length: number): number {
    const word = i * PACKET_WORDS;
    const words = this.#words;
    if (length !== REPLY_LENGTH || words[word] !== ANNOUNCEMENT_MAGIC || words[word + 2] !== LENGTH) return -1;
    if (words[word + IP_LENGTH_WORD] !== IPV4_LENGTH) return -1;
    const id = i * PACKET_SIZE + 12;
    if (this.bytes[id + ID_LENGTH + 4] !== this.#network) return -1;
    const n = this.#readNumber(id);
    return n >= 0 && words[word + 1] === portWord(n) && this.#isId(id, n) ? n : -1;
  }

  #writeId(at: number, n: number): void {
    const bytes = this.bytes;
    for (let i = 0, rest = n; i < NUMBER_LENGTH; i++, rest >>>= 5) bytes[at + i] = ALPHABET[rest & 31]!;
    let x = (n + 1) | 0;
    for (let i = NUMBER_LENGTH; i < ID_LENGTH; i++) {
      x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + n) | 0;
      bytes[at + i] = ALPHABET[x >>> 27]!;
    }
  }

  #readNumber(at: number): number {
    let n = 0;
    for (let i = NUMBER_LENGTH - 1; i >= 0; i--) {
      const digit = DIGITS[this.bytes[at + i]!]!;
      if (digit < 0 || n >= 1 << 26) return -1;
      n = (n << 5) | digit;
    }
    return n;
  }

  #isId(at: number, n: number): boolean {
    const bytes = this.bytes;
    let x = (n + 1) | 0;
    for (let i = NUMBER_LENGTH; i < ID_LENGTH; i++) {
      x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + n) | 0;
      if (bytes[at + i] !== ALPHABET[x >>> 27]!) return false;
    }
    return true;
  }
}
