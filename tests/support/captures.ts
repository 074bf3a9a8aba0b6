/** Captures, built by hand: pcap, and the blocks of pcapng. */

const ETHERNET = 1;

/** Writes numbers in one byte order. */
export class Bytes {
  readonly #little: boolean;

  constructor(little: boolean) {
    this.#little = little;
  }

  u16(...numbers: number[]): number[] {
    return numbers.flatMap((n) => this.#ordered(n, 2));
  }

  u32(...numbers: number[]): number[] {
    return numbers.flatMap((n) => this.#ordered(n, 4));
  }

  #ordered(n: number, size: number): number[] {
    const bytes = Array.from({ length: size }, (_, i) => Math.floor(n / 256 ** (size - 1 - i)) % 256);
    return this.#little ? bytes.reverse() : bytes;
  }
}

interface PcapOptions {
  readonly magic?: number;
  readonly little?: boolean;
  readonly linkType?: number;
}

export interface Captured {
  readonly bytes: readonly number[];
  readonly seconds?: number;
  readonly fraction?: number;
  /** On the wire, if more than was captured. */
  readonly length?: number;
}

/** A capture in the format pcap. */
export function pcap(
  frames: readonly Captured[],
  { magic = 0xa1b2c3d4, little = true, linkType = ETHERNET }: PcapOptions = {},
): Uint8Array<ArrayBuffer> {
  const to = new Bytes(little);
  const header = [...to.u32(magic), ...to.u16(2, 4), ...to.u32(0, 0, 262_144, linkType)];
  const records = frames.map(({ bytes, seconds = 1_700_000_000, fraction = 0, length = bytes.length }) =>
    Uint8Array.from([...to.u32(seconds, fraction, bytes.length, length), ...bytes]),
  );
  return new Uint8Array(Buffer.concat([Uint8Array.from(header), ...records]));
}

/** The blocks of a section in the format pcapng. */
export class Section {
  readonly #to: Bytes;
  readonly blocks: number[][] = [];

  constructor(little: boolean) {
    this.#to = new Bytes(little);
    this.block(0x0a0d0d0a, [
      ...this.#to.u32(0x1a2b3c4d),
      ...this.#to.u16(1, 0),
      ...this.#to.u32(0xffffffff, 0xffffffff),
    ]);
  }

  block(type: number, body: readonly number[]): this {
    const padded = [...body, ...new Array<number>(-body.length & 3).fill(0)];
    const length = this.#to.u32(padded.length + 12);
    this.blocks.push([...this.#to.u32(type), ...length, ...padded, ...length]);
    return this;
  }

  /** Describes an interface. @param options - code and value of each */
  interface(
    linkType = ETHERNET,
    options: readonly (readonly [number, readonly number[]])[] = [],
    snapLength = 0,
  ): this {
    const list = options.flatMap(([code, value]) => [
      ...this.#to.u16(code, value.length),
      ...value,
      ...new Array<number>(-value.length & 3).fill(0),
    ]);
    return this.block(1, [...this.#to.u16(linkType, 0), ...this.#to.u32(snapLength), ...list, ...this.#to.u32(0)]);
  }

  /** An enhanced packet block. */
  packet(bytes: readonly number[], { id = 0, high = 0, low = 0, length = bytes.length } = {}): this {
    return this.block(6, [...this.#to.u32(id, high, low, bytes.length, length), ...bytes]);
  }

  /** A simple packet block, which has no time and no captured length. */
  simplePacket(bytes: readonly number[], length = bytes.length): this {
    return this.block(3, [...this.#to.u32(length), ...bytes]);
  }

  /** The obsolete packet block. */
  oldPacket(bytes: readonly number[], { id = 0, high = 0, low = 0 } = {}): this {
    return this.block(2, [...this.#to.u16(id, 0), ...this.#to.u32(high, low, bytes.length, bytes.length), ...bytes]);
  }

  get bytes(): number[] {
    return this.blocks.flat();
  }
}
