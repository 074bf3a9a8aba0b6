/** Sends whole Ethernet frames through an interface: an AF_PACKET socket and sendmmsg. Linux; needs CAP_NET_RAW. */
import { Datagrams } from "../../src/transport/datagrams.ts";
import { type Libc, loadLibc, systemError } from "../../src/transport/libc.ts";
import { openPacketSocket, RECEIVE_NOTHING, SOL_PACKET } from "../../tests/support/link/packet-socket.ts";
import type { Frames } from "./frames.ts";

/** Frames skip the interface's queue. */
const PACKET_QDISC_BYPASS = 20;

export class PacketSocket implements Disposable {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #datagrams: Datagrams;
  /** Kept referenced: the kernel reads the frames' memory. */
  readonly frames: Frames;

  /** @throws {Error} a system error with `code` */
  constructor(name: string, frames: Frames) {
    this.#libc = loadLibc();
    this.frames = frames;
    this.#datagrams = new Datagrams(frames.count, 0);
    for (let i = 0; i < frames.count; i++) {
      this.#datagrams.setBase(i, frames.pointer(i));
      this.#datagrams.setLength(i, frames.length);
    }
    const { call } = this.#libc;
    this.#fd = openPacketSocket(this.#libc, name, RECEIVE_NOTHING);
    this.#checked("setsockopt", call.setsockopt(this.#fd, SOL_PACKET, PACKET_QDISC_BYPASS, new Int32Array([1]), 4));
  }

  /** Sends the first `count` frames. @returns how many the kernel took */
  send(count: number): number {
    const { call, sendmmsg } = this.#libc;
    return this.#checked("sendmmsg", call.syscall(sendmmsg, this.#fd, this.#datagrams.pointer(0), count, 0, null));
  }

  [Symbol.dispose](): void {
    this.#libc.call.close(this.#fd);
  }

  #checked(name: string, result: number): number {
    if (result < 0) throw systemError(name, this.#libc.errno());
    return result;
  }
}
