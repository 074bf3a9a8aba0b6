/** The bytes of a capture, which arrive in chunks of any size. */

/** Yielded by a parser that needs the next chunk. */
export type NeedsMore = undefined;

/**
 * The source of a parser. The parser is a generator that yields `undefined` when it needs more bytes. The methods that
 * wait do that for it, so it calls them with `yield*`. Memory is bounded by the bytes that it waits for at once, not by
 * the size of the capture.
 */
export class CaptureInput {
  /** The byte order of all numbers that are read. */
  littleEndian = false;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #ended = false;

  /** Adds the next chunk, which must not be changed later. */
  add(chunk: Uint8Array): void {
    const rest = this.available;
    let bytes = chunk;
    if (rest > 0) {
      bytes = new Uint8Array(rest + chunk.length);
      bytes.set(this.peek(rest));
      bytes.set(chunk, rest);
    }
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
  }

  /** Says that there are no more chunks. */
  end(): void {
    this.#ended = true;
  }

  /** How many bytes have arrived and were not taken yet. */
  get available(): number {
    return this.#view.byteLength - this.#at;
  }

  /** Waits for `size` bytes. @returns false if the input ends before */
  *has(size: number): Generator<NeedsMore, boolean> {
    while (this.available < size) {
      if (this.#ended) return false;
      yield undefined;
    }
    return true;
  }

  /** Takes `size` bytes, as they arrive. @returns false if the input ends before */
  *skip(size: number): Generator<NeedsMore, boolean> {
    let left = size;
    for (;;) {
      const taken = Math.min(left, this.available);
      this.#at += taken;
      left -= taken;
      if (left === 0) return true;
      if (this.#ended) return false;
      yield undefined;
    }
  }

  /** Takes `size` bytes that have arrived. */
  drop(size: number): void {
    this.#at += size;
  }

  /** A view of the next `size` bytes, which have arrived. It does not take them. */
  peek(size: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, size);
  }

  /** The word at `offset` from here. */
  uint32(offset: number): number {
    return this.#view.getUint32(this.#at + offset, this.littleEndian);
  }

  /** The half-word at `offset` from here. */
  uint16(offset: number): number {
    return this.#view.getUint16(this.#at + offset, this.littleEndian);
  }

  /** The byte at `offset` from here. */
  uint8(offset: number): number {
    return this.#view.getUint8(this.#at + offset);
  }

  /** The signed 64-bit number at `offset` from here. */
  int64(offset: number): bigint {
    return this.#view.getBigInt64(this.#at + offset, this.littleEndian);
  }
}
