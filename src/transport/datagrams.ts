/** What recvmmsg and sendmmsg take: an array of struct mmsghdr with a struct iovec each. Linux, 64 bits, little-endian. */
import { type Pointer, ptr } from "bun:ffi";

/* In words of 32 bits. Where musl has a word and padding for a size_t of glibc, the padding stays zero. */
const HEADER_WORDS = 16;
const HEADER_NAME = 0;
const HEADER_NAME_LENGTH = 2;
const HEADER_VECTOR = 4;
const HEADER_VECTORS = 6;
const HEADER_LENGTH = 14;
const VECTOR_WORDS = 4;
const VECTOR_BASE = 0;
const VECTOR_LENGTH = 2;

/** struct mmsghdr. */
const HEADER_SIZE = HEADER_WORDS * 4;

/** Datagrams for one system call: where each lies, how long it is, and where its address lies. Allocates when made only. */
export class Datagrams {
  readonly count: number;
  /** Held for its memory, which does not move: an array of this size would get a buffer of its own when first asked for it. */
  readonly #headers: Int32Array;
  readonly #vectors: Int32Array;
  readonly #at: number;

  /** @param nameLength size of an address; 0 for a connected socket, which needs none. */
  constructor(count: number, nameLength: number) {
    this.count = count;
    const buffer = new ArrayBuffer(count * (HEADER_WORDS + VECTOR_WORDS) * 4);
    this.#headers = new Int32Array(buffer, 0, count * HEADER_WORDS);
    this.#vectors = new Int32Array(buffer, count * HEADER_SIZE);
    this.#at = ptr(buffer);
    for (let i = 0; i < count; i++) {
      this.resetName(i, nameLength);
      setPointer(
        this.#headers,
        i * HEADER_WORDS + HEADER_VECTOR,
        this.#at + count * HEADER_SIZE + i * VECTOR_WORDS * 4,
      );
      this.#headers[i * HEADER_WORDS + HEADER_VECTORS] = 1;
    }
  }

  /** For the system call, from datagram `i` on. */
  pointer(i: number): Pointer {
    return (this.#at + i * HEADER_SIZE) as Pointer;
  }

  /** Where the address of datagram `i` lies. */
  setName(i: number, pointer: number): void {
    setPointer(this.#headers, i * HEADER_WORDS + HEADER_NAME, pointer);
  }

  /** Room for the address of datagram `i`: a receive leaves the length that it took. */
  resetName(i: number, length: number): void {
    this.#headers[i * HEADER_WORDS + HEADER_NAME_LENGTH] = length;
  }

  /** Where datagram `i` lies. */
  setBase(i: number, pointer: number): void {
    setPointer(this.#vectors, i * VECTOR_WORDS + VECTOR_BASE, pointer);
  }

  /** How long datagram `i` is, or what there is room for. */
  setLength(i: number, length: number): void {
    this.#vectors[i * VECTOR_WORDS + VECTOR_LENGTH] = length;
  }

  /** How long the datagram `i` is that was received. */
  received(i: number): number {
    return this.#headers[i * HEADER_WORDS + HEADER_LENGTH]!;
  }
}

function setPointer(words: Int32Array, at: number, pointer: number): void {
  words[at] = pointer;
  words[at + 1] = pointer / 2 ** 32;
}
