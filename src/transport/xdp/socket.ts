/**
 * The AF_XDP socket of one queue of an interface. The control thread opens it, lends it to a worker, and takes it back, whatever that
 * worker is doing.
 */
import { closeSync, openSync } from "node:fs";
import { type Libc, loadLibc, O_CLOEXEC, SO_SNDBUF, SO_SNDBUFFORCE, SOCK_CLOEXEC } from "../libc.ts";
import { checked, setBuffer } from "../socket.ts";
import { AF_XDP, SOCK_RAW, SOL_XDP } from "./libc.ts";
import { FRAME_SIZE, Region, type RegionLayout } from "./region.ts";

/* Options of AF_XDP sockets. */
const XDP_RX_RING = 2;
const XDP_TX_RING = 3;
const XDP_UMEM_REG = 4;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_STATISTICS = 7;
const XDP_MAX_TX_SKB_BUDGET = 9;

/** The kernel copies frames. Without this flag it would let some drivers write to the frames themselves, which was never tried. */
const XDP_COPY = 2;
/** With the kernel's own 256 bytes and an Ethernet header, IP headers and payloads then begin at a multiple of 4. */
const HEADROOM = 2;
/** struct xdp_umem_reg and struct sockaddr_xdp. */
const UMEM_REG_SIZE = 32;
const SOCKADDR_SIZE = 16;
/** struct xdp_statistics: frames dropped; invalid descriptors received and sent; RX full; FILL empty; TX empty. */
const STATISTICS = 6;
/** A frame for which FILL is empty counts as dropped, too. */
const DROPPED = [0, 3];
/** At most what the kernel counts for a short reply that the card has not sent yet, in bytes. */
const SENT_SIZE = 1024;
/** Frames that one send hands to the driver at most. Older kernels have 32, and no such option. */
const SEND_BUDGET = 64;

/** A socket as a worker gets it. */
export interface XdpLoan {
  /** Another one each time, unlike `fd`. */
  readonly number: number;
  readonly interface: string;
  readonly interfaceIndex: number;
  readonly queue: number;
  readonly fd: number;
  readonly region: RegionLayout;
  /** The worker counts frames here; see {@link XDP_COUNTERS}. */
  readonly counters: SharedArrayBuffer;
}

/** The worker's counters: frames that were received, sent, and dropped because they were cut off or had a wrong checksum. Doubles. */
export const XDP_COUNTERS = { received: 0, sent: 1, damaged: 2 } as const;

let loans = 0;

export class XdpSocket {
  /** Number of its loan. */
  readonly loan = ++loans;
  readonly fd: number;
  readonly queue: number;
  readonly region: Region;
  readonly counters = new SharedArrayBuffer(Object.keys(XDP_COUNTERS).length * 8);
  readonly #libc: Libc;
  #dropped = 0;
  #open = true;

  /**
   * Opens a socket on a queue. It receives nothing until the map of the program has it.
   *
   * @param frames - a power of two
   * @throws {Error} a system error: EBUSY if another socket has the queue, ENOBUFS if the process may not lock so much memory, EINVAL
   *   if there is no such queue, EPERM if rights are missing
   */
  constructor(interfaceIndex: number, queue: number, frames: number, libc: Libc = loadLibc()) {
    const { call } = libc;
    this.#libc = libc;
    this.queue = queue;
    this.fd = checked(libc, "socket(AF_XDP)", call.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    let region: Region | undefined;
    try {
      region = new Region(libc, this.fd, frames);
      this.#registerFrames(region.layout);
      for (const ring of [XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING]) {
        this.#set(ring, Int32Array.of(frames));
      }
      setBuffer(libc, this.fd, SO_SNDBUF, SO_SNDBUFFORCE, frames * SENT_SIZE);
      call.setsockopt(this.fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, Int32Array.of(SEND_BUDGET), 4);
      region.mapRings(libc, this.fd);
      region.giveFrames();
      this.#bind(interfaceIndex);
    } catch (error) {
      region?.unmap();
      call.close(this.fd);
      throw error;
    }
    this.region = region;
  }

  /** Describes it for a worker. */
  describe(name: string, interfaceIndex: number): XdpLoan {
    const { loan, fd, queue, region, counters } = this;
    return { number: loan, interface: name, interfaceIndex, queue, fd, region: region.layout, counters };
  }

  /** Frames that the kernel dropped since the socket was opened, because the worker was too slow. */
  get dropped(): number {
    if (!this.#open) return this.#dropped;
    const numbers = new BigUint64Array(STATISTICS);
    const { call } = this.#libc;
    const result = call.getsockopt(this.fd, SOL_XDP, XDP_STATISTICS, numbers, Int32Array.of(numbers.byteLength));
    if (result === 0) this.#dropped = DROPPED.reduce((sum, i) => sum + Number(numbers[i]), 0);
    return this.#dropped;
  }

  /**
   * Frees the queue, whatever the worker's thread is doing: the descriptor becomes /dev/null, and the rings empty memory. If the
   * descriptor were closed, another file could get its number while the thread still uses it.
   *
   * @throws {Error} a system error, if no descriptor is free; then try again
   */
  revoke(): void {
    if (!this.#open) return;
    void this.dropped;
    this.region.unmapRings(this.#libc);
    const devNull = openSync("/dev/null", "r+");
    this.#libc.call.dup3(devNull, this.fd, O_CLOEXEC);
    closeSync(devNull);
    this.#open = false;
  }

  /** Closes the descriptor and frees the memory. No thread may use them any more. */
  close(): void {
    void this.dropped;
    this.#open = false;
    this.region.unmap();
    this.#libc.call.close(this.fd);
  }

  #registerFrames({ at, frames }: RegionLayout): void {
    const view = new DataView(new ArrayBuffer(UMEM_REG_SIZE));
    view.setBigUint64(0, BigInt(at), true);
    view.setBigUint64(8, BigInt(frames * FRAME_SIZE), true);
    view.setUint32(16, FRAME_SIZE, true);
    view.setUint32(20, HEADROOM, true);
    this.#set(XDP_UMEM_REG, new Uint8Array(view.buffer));
  }

  #set(option: number, value: Uint8Array | Int32Array): void {
    const { call } = this.#libc;
    checked(this.#libc, "setsockopt(SOL_XDP)", call.setsockopt(this.fd, SOL_XDP, option, value, value.byteLength));
  }

  #bind(interfaceIndex: number): void {
    const view = new DataView(new ArrayBuffer(SOCKADDR_SIZE));
    view.setUint16(0, AF_XDP, true);
    view.setUint16(2, XDP_COPY, true);
    view.setUint32(4, interfaceIndex, true);
    view.setUint32(8, this.queue, true);
    const address = new Uint8Array(view.buffer);
    checked(this.#libc, "bind(AF_XDP)", this.#libc.call.bind(this.fd, address, SOCKADDR_SIZE));
  }
}
