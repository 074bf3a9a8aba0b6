/**
 * The arguments of recvmmsg and sendmmsg: an array of struct mmsghdr, each with one struct iovec. Linux, 64 bits,
 * little-endian.
 */
import { type Pointer, ptr } from "bun:ffi";
import { MSG_CTRUNC } from "./libc.ts";

/* Offsets in 32-bit words. musl has a 32-bit word and padding where glibc has a size_t; the padding stays zero. */
const HEADER_WORDS = 16;
const HEADER_NAME = 0;
const HEADER_NAME_LENGTH = 2;
const HEADER_VECTOR = 4;
const HEADER_VECTORS = 6;
const HEADER_CONTROL = 8;
const HEADER_CONTROL_LENGTH = 10;
const HEADER_FLAGS = 12;
const HEADER_LENGTH = 14;
const VECTOR_WORDS = 4;
const VECTOR_BASE = 0;
const VECTOR_LENGTH = 2;

/** Size of struct mmsghdr, in bytes. */
const HEADER_SIZE = HEADER_WORDS * 4;

/** The datagrams of one system call: address, buffer, length and control data of each. Only the constructor allocates. */
export class Datagrams {
  readonly count: number;
  /**
   * A view of an explicit ArrayBuffer, which does not move. A small array without one would get its buffer later, at
   * another address.
   */
  readonly #headers: Int32Array;
  readonly #vectors: Int32Array;
  readonly #at: number;

  /** @param nameLength size of a socket address; 0 for a connected socket, which needs none */
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

  /** The pointer to pass to the system call, for datagrams from `i` on. */
  pointer(i: number): Pointer {
    return (this.#at + i * HEADER_SIZE) as Pointer;
  }

  /** Sets the pointer to the socket address of datagram `i`. */
  setName(i: number, pointer: number): void {
    setPointer(this.#headers, i * HEADER_WORDS + HEADER_NAME, pointer);
  }

  /** Resets the address length of datagram `i`: recvmmsg overwrites it with the length of the received address. */
  resetName(i: number, length: number): void {
    this.#headers[i * HEADER_WORDS + HEADER_NAME_LENGTH] = length;
  }

  /** Sets the pointer to the bytes of datagram `i`. */
  setBase(i: number, pointer: number): void {
    setPointer(this.#vectors, i * VECTOR_WORDS + VECTOR_BASE, pointer);
  }

  /** Sets the length of datagram `i` to send, or the size of its buffer to receive into. */
  setLength(i: number, length: number): void {
    this.#vectors[i * VECTOR_WORDS + VECTOR_LENGTH] = length;
  }

  /** Sets where the control data of datagram `i` is. */
  setControl(i: number, pointer: number, length: number): void {
    setPointer(this.#headers, i * HEADER_WORDS + HEADER_CONTROL, pointer);
    this.setControlLength(i, length);
  }

  /** Sets the length of the control data to send, or the room to receive it. recvmmsg overwrites it. */
  setControlLength(i: number, length: number): void {
    this.#headers[i * HEADER_WORDS + HEADER_CONTROL_LENGTH] = length;
  }

  controlLength(i: number): number {
    return this.#headers[i * HEADER_WORDS + HEADER_CONTROL_LENGTH]!;
  }

  /** Whether the control data of the received datagram `i` did not fit into its room. */
  controlTruncated(i: number): boolean {
    return (this.#headers[i * HEADER_WORDS + HEADER_FLAGS]! & MSG_CTRUNC) !== 0;
  }

  /** Length of the received datagram `i`. */
  received(i: number): number {
    return this.#headers[i * HEADER_WORDS + HEADER_LENGTH]!;
  }
}

function setPointer(words: Int32Array, at: number, pointer: number): void {
  words[at] = pointer;
  words[at + 1] = pointer / 2 ** 32;
}
