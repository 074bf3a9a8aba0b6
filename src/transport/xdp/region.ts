/**
 * The memory of one queue: the frames (UMEM), then the four rings that the kernel maps. One region of addresses, which the control
 * thread maps and lends to a worker:
 *
 * ```
 * | frames: 2048 bytes each | RX | TX | FILL | COMPLETION |
 * ```
 *
 * Each ring has as many entries as there are frames, so no ring ever overflows.
 */
import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { type Libc, systemError } from "../libc.ts";
import { checked } from "../socket.ts";
import {
  loadXdpLibrary,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ_WRITE,
  SOL_XDP,
} from "./libc.ts";

/** Two fit into a page: a frame of Ethernet with the kernel's 256 bytes in front of it. */
export const FRAME_SIZE = 2048;
const FRAMES_MIN = 128;

/* Options of AF_XDP sockets. */
const XDP_MMAP_OFFSETS = 1;

/** Size of a descriptor {address u64, length u32, options u32}, and of an address. */
export const DESCRIPTOR_SIZE = 16;
export const ADDRESS_SIZE = 8;

/** The rings in the order in which XDP_MMAP_OFFSETS has them: the size of an entry, and the offset for mmap. */
const RINGS = [
  { name: "rx", entry: DESCRIPTOR_SIZE, mmap: 0 },
  { name: "tx", entry: DESCRIPTOR_SIZE, mmap: 0x8000_0000 },
  { name: "fill", entry: ADDRESS_SIZE, mmap: 0x1_0000_0000 },
  { name: "completion", entry: ADDRESS_SIZE, mmap: 0x1_8000_0000 },
] as const;
type RingName = (typeof RINGS)[number]["name"];

/** Where the parts of a ring are: offsets in the region, in bytes. */
export interface RingLayout {
  /** Counters that only grow: entries that were added and entries that were taken. */
  readonly producer: number;
  readonly consumer: number;
  readonly entries: number;
}

/** The parts of a region. Can be sent to a worker. */
export interface RegionLayout {
  /** Address of the region in this process. */
  readonly at: number;
  /** Size of the region. */
  readonly size: number;
  /** Number of frames, a power of two. They begin at offset 0. */
  readonly frames: number;
  readonly rings: Readonly<Record<RingName, RingLayout>>;
}

/** The number of frames for a receive buffer: a power of two. */
export function frameCount(receiveBuffer: number): number {
  return Math.max(FRAMES_MIN, 2 ** Math.floor(Math.log2(receiveBuffer / FRAME_SIZE)));
}

export class Region {
  readonly layout: RegionLayout;
  /** Where the rings begin. */
  readonly #rings: number;
  readonly #maps: readonly { readonly at: number; readonly size: number; readonly mmap: number }[];

  /**
   * Reserves the addresses. The frames get their memory when the socket registers them.
   *
   * @param fd - an AF_XDP socket
   * @throws {Error} a system error
   */
  constructor(libc: Libc, fd: number, frames: number) {
    const offsets = ringOffsets(libc, fd);
    const maps: { at: number; size: number; mmap: number }[] = [];
    const rings: Partial<Record<RingName, RingLayout>> = {};
    const page = loadXdpLibrary().getpagesize();
    let size = Math.ceil((frames * FRAME_SIZE) / page) * page;
    this.#rings = size;
    for (const [i, { name, entry, mmap }] of RINGS.entries()) {
      const [producer, consumer, entries] = Array.from(offsets.subarray(i * 4, i * 4 + 3), Number);
      rings[name] = { producer: size + producer!, consumer: size + consumer!, entries: size + entries! };
      const mapSize = Math.ceil((entries! + frames * entry) / page) * page;
      maps.push({ at: size, size: entries! + frames * entry, mmap });
      size += mapSize;
    }
    this.#maps = maps;
    const at = map(libc, 0, size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    this.layout = { at, size, frames, rings: rings as Record<RingName, RingLayout> };
  }

  /** Maps the rings of the socket, whose sizes have been set. @throws {Error} a system error */
  mapRings(libc: Libc, fd: number): void {
    for (const { at, size, mmap } of this.#maps) {
      map(libc, this.layout.at + at, size, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, mmap);
    }
  }

  /** Gives the kernel all frames: puts their addresses into the ring FILL. Before the socket is bound. */
  giveFrames(): void {
    const { at, size, frames, rings } = this.layout;
    const buffer = toArrayBuffer(at as Pointer, 0, size);
    const addresses = new BigUint64Array(buffer, rings.fill.entries, frames);
    for (let i = 0; i < frames; i++) addresses[i] = BigInt(i * FRAME_SIZE);
    Atomics.store(new Int32Array(buffer, rings.fill.producer, 1), 0, frames);
  }

  /**
   * Puts empty memory in the place of the rings: the kernel can free them, and a thread that still uses them finds nothing
   * there. @throws {Error} a system error
   */
  unmapRings(libc: Libc): void {
    const { at, size } = this.layout;
    map(libc, at + this.#rings, size - this.#rings, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }

  /** Frees the addresses. No thread may use them any more. */
  unmap(): void {
    const { at, size } = this.layout;
    loadXdpLibrary().munmap(at, size);
  }
}

function map(libc: Libc, at: number, size: number, flags: number, fd: number, offset: number): number {
  const result = Number(loadXdpLibrary().mmap(at, size, PROT_READ_WRITE, flags, fd, offset));
  if (result === -1) throw systemError("mmap", libc.errno());
  return result;
}

/** Four numbers for each ring: the offsets of producer, consumer, entries and flags in its mapping. */
function ringOffsets(libc: Libc, fd: number): BigUint64Array {
  const offsets = new BigUint64Array(RINGS.length * 4);
  const size = Int32Array.of(offsets.byteLength);
  checked(libc, "getsockopt", libc.call.getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, ptr(offsets), size));
  return offsets;
}
