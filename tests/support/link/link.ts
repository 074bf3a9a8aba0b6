/** Sends any frames through an interface, and receives all that arrive there. Linux; needs CAP_NET_RAW. */
import { ptr } from "bun:ffi";
import { Datagrams } from "../../../src/transport/datagrams.ts";
import {
  EINTR,
  type Libc,
  loadLibc,
  MSG_DONTWAIT,
  SO_RCVBUFFORCE,
  SOL_SOCKET,
  systemError,
} from "../../../src/transport/libc.ts";
import { openPacketSocket, RECEIVE_ALL, RECEIVE_NOTHING, SOL_PACKET } from "./packet-socket.ts";

const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_QDISC_BYPASS = 20;
const PACKET_IGNORE_OUTGOING = 23;

/* struct tpacket_auxdata, after a struct cmsghdr of 16 bytes: its status, and the VLAN of the frame. */
const CONTROL_SIZE = 40;
const AUXDATA_STATUS = 16;
const AUXDATA_VLAN = 32;
const STATUS_CHECKSUM_NOT_READY = 8;
const STATUS_VLAN_VALID = 16;

/* struct virtio_net_hdr: flags, type and sizes of GSO, where the sum starts, and where it goes from there. */
const VNET_SIZE = 10;
const VNET_NEEDS_CHECKSUM = 1;

const POLLIN = 1;
/** Frames of one system call. */
const BATCH = 512;
/** More than the MTU of any interface here. */
const SLOT = 9216;
/** Frames wait in it while the test does something else. */
const RECEIVE_BUFFER = 256 << 20;

export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  /** The VLAN of a tag that the kernel has taken out of the frame. */
  readonly vlan: number | undefined;
  /** Whether the kernel left the checksum of UDP to the card: then the frame has the sum of the pseudo-header only. */
  readonly checksumNotReady: boolean;
}

/** Frames for one call of {@link Link.sendBatch}. */
export class FrameBatch {
  readonly size: number;
  readonly slot: number;
  /** Frame `i` starts at `i * slot`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly datagrams: Datagrams;
  count = 0;

  /** @param slot - size of the longest frame */
  constructor(size: number, slot: number) {
    this.size = size;
    this.slot = slot;
    this.bytes = new Uint8Array(new ArrayBuffer(size * slot));
    this.datagrams = new Datagrams(size, 0);
    for (let i = 0; i < size; i++) this.datagrams.setBase(i, ptr(this.bytes) + i * slot);
  }

  /** Where the next frame is to be written. */
  get at(): number {
    return this.count * this.slot;
  }

  /** Adds the frame that was written at {@link at}. */
  add(length: number): void {
    this.datagrams.setLength(this.count++, length);
  }
}

function batchOf(frames: readonly Uint8Array[]): FrameBatch {
  const batch = new FrameBatch(frames.length, Math.max(...frames.map(({ length }) => length)));
  for (const frame of frames) {
    batch.bytes.set(frame, batch.at);
    batch.add(frame.length);
  }
  return batch;
}

export class Link implements Disposable {
  readonly #libc: Libc = loadLibc();
  readonly #fd: number;
  readonly #inbox = new Datagrams(BATCH, 0);
  readonly #slots = new Uint8Array(new ArrayBuffer(BATCH * SLOT));
  readonly #control = new Uint8Array(new ArrayBuffer(BATCH * CONTROL_SIZE));
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #polled = new Int32Array(new ArrayBuffer(8));
  /** For frames with a struct virtio_net_hdr. A socket of its own: it would receive such headers, too. */
  readonly #unfinished: number;

  /** @throws {Error} a system error with `code` */
  constructor(name: string) {
    this.#fd = openPacketSocket(this.#libc, name, RECEIVE_ALL);
    this.#unfinished = openPacketSocket(this.#libc, name, RECEIVE_NOTHING);
    this.#set(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    this.#set(this.#fd, SOL_PACKET, PACKET_AUXDATA, 1);
    this.#set(this.#fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    this.#set(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
    this.#set(this.#unfinished, SOL_PACKET, PACKET_VNET_HDR, 1);
    for (let i = 0; i < BATCH; i++) {
      this.#inbox.setBase(i, ptr(this.#slots) + i * SLOT);
      this.#inbox.setLength(i, SLOT);
      this.#inbox.setControl(i, ptr(this.#control) + i * CONTROL_SIZE, CONTROL_SIZE);
    }
    this.#polled.set([this.#fd, POLLIN]);
  }

  /** Sends frames, in their order. */
  send(frames: readonly Uint8Array[]): void {
    this.#send(this.#fd, batchOf(frames));
  }

  /** Sends the frames of a batch, in their order. */
  sendBatch(batch: FrameBatch): void {
    this.#send(this.#fd, batch);
  }

  /**
   * Sends a frame with UDP as the kernel of a host on the same machine does: only the pseudo-header is summed, and the frame
   * is marked as one whose checksum is still to be completed.
   *
   * @param udpAt - where in the frame the UDP header starts
   */
  sendUnfinished(frame: Uint8Array, udpAt: number): void {
    const marked = new Uint8Array(VNET_SIZE + frame.length);
    const header = new DataView(marked.buffer);
    header.setUint8(0, VNET_NEEDS_CHECKSUM);
    header.setUint16(6, udpAt, true);
    header.setUint16(8, 6, true);
    marked.set(frame, VNET_SIZE);
    this.#send(this.#unfinished, batchOf([marked]));
  }

  /**
   * Receives the frames that wait.
   *
   * @param timeout - how long to wait for the first one, in ms; the thread is blocked meanwhile
   */
  receive(timeout = 0): ReceivedFrame[] {
    const { call, recvmmsg, errno } = this.#libc;
    const frames: ReceivedFrame[] = [];
    if (timeout > 0 && call.poll(ptr(this.#polled), 1, timeout) === 0) return frames;
    for (let count = BATCH; count === BATCH; ) {
      count = call.syscall(recvmmsg, this.#fd, this.#inbox.pointer(0), BATCH, MSG_DONTWAIT, null);
      if (count < 0 && errno() === EINTR) count = 0;
      for (let i = 0; i < count; i++) {
        frames.push(this.#frame(i));
        this.#inbox.setControlLength(i, CONTROL_SIZE);
      }
    }
    return frames;
  }

  #frame(i: number): ReceivedFrame {
    const status = this.#controlView.getUint32(i * CONTROL_SIZE + AUXDATA_STATUS, true);
    return {
      bytes: this.#slots.slice(i * SLOT, i * SLOT + this.#inbox.received(i)),
      vlan:
        (status & STATUS_VLAN_VALID) === 0
          ? undefined
          : this.#controlView.getUint16(i * CONTROL_SIZE + AUXDATA_VLAN, true),
      checksumNotReady: (status & STATUS_CHECKSUM_NOT_READY) !== 0,
    };
  }

  #send(fd: number, { datagrams, count }: FrameBatch): void {
    const { call, errno, sendmmsg } = this.#libc;
    for (let sent = 0; sent < count; ) {
      const result = call.syscall(sendmmsg, fd, datagrams.pointer(sent), count - sent, 0, null);
      if (result < 0 && errno() !== EINTR) throw systemError("sendmmsg", errno());
      sent += Math.max(0, result);
    }
  }

  #set(fd: number, level: number, option: number, value: number): void {
    const { call, errno } = this.#libc;
    if (call.setsockopt(fd, level, option, Int32Array.of(value), 4) < 0) throw systemError("setsockopt", errno());
  }

  [Symbol.dispose](): void {
    this.#libc.call.close(this.#fd);
    this.#libc.call.close(this.#unfinished);
  }
}
