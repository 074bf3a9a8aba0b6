/**
 * Many UDP clients in one thread, each with an IPv4 address of its own. Uses the system calls of the mmsg transport.
 * Linux.
 */
import { type Pointer, ptr } from "bun:ffi";
import { Datagrams } from "../../../src/transport/datagrams.ts";
import { parseAddress, resolveHost } from "../../../src/transport/host.ts";
import {
  EAGAIN,
  EINTR,
  type Libc,
  loadLibc,
  MSG_DONTWAIT,
  MSG_TRUNC,
  openLibrary,
  SOL_SOCKET,
  systemError,
} from "../../../src/transport/libc.ts";
import { type BoundSocket, bindSocket, checked, socketAddress } from "../../../src/transport/socket.ts";
import { PACKET_SIZE, Packets } from "./packets.ts";

const SYMBOLS = { connect: { args: ["i32", "ptr", "u32"], returns: "i32" } } as const;

/** Maximum number of packets that a client sends or receives in one system call. */
export const CLIENT_BATCH = 64;
const RECEIVE_BUFFER = 1 << 20;

/** The kernel's counts of a socket's memory, in words of 32 bits. */
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
/** Datagrams that the kernel dropped, mostly because the receive buffer was full. */
const MEMINFO_DROPS = 8;

/* struct pollfd in words of 32 bits. */
const POLL_WORDS = 2;
const POLLIN = 1;

export class Clients {
  readonly count: number;
  /** The packets that `send` sends. */
  readonly outbox = new Packets(CLIENT_BATCH);
  /** The packets of the last `receive`. */
  readonly inbox: Packets;
  readonly #libc: Libc;
  readonly #sockets: readonly BoundSocket[];
  readonly #fds: Int32Array;
  readonly #polled: Int32Array;
  readonly #polledAt: Pointer;
  readonly #sending: Datagrams;
  readonly #receiving: Datagrams;

  private constructor(libc: Libc, sockets: readonly BoundSocket[], network: number) {
    this.count = sockets.length;
    this.inbox = new Packets(CLIENT_BATCH, network);
    this.#libc = libc;
    this.#sockets = sockets;
    this.#fds = Int32Array.from(sockets, ({ fd }) => fd);
    this.#polled = new Int32Array(new ArrayBuffer(sockets.length * POLL_WORDS * 4));
    sockets.forEach(({ fd }, i) => {
      this.#polled[i * POLL_WORDS] = fd;
      this.#polled[i * POLL_WORDS + 1] = POLLIN;
    });
    this.#polledAt = ptr(this.#polled);
    this.#sending = datagrams(this.outbox);
    this.#receiving = datagrams(this.inbox);
  }

  /**
   * @param first - IPv4 address of the first client. Those of the others follow it.
   * @param skip - addresses to skip from `first` on, so that several processes can use different ones
   * @throws {Error} a system error with `code`; ENOTSUP where the system calls are not available
   */
  static async open(host: string, port: number, count: number, first: string, skip: number): Promise<Clients> {
    const libc = loadLibc();
    const other = openLibrary(process, SYMBOLS);
    const [server] = await resolveHost(host);
    const name = socketAddress(libc, server!, port);
    const sockets: BoundSocket[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const address = parseAddress(addressAfter(first, skip + i));
        const socket = bindSocket({ address, port: 0, receiveBuffer: RECEIVE_BUFFER });
        sockets.push(socket);
        if (other.symbols.connect(socket.fd, name, name.length) < 0) throw systemError("connect", libc.errno());
      }
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
    return new Clients(libc, sockets, bytesOf(first)[0]!);
  }

  /** Sets the length of packet `i` of the outbox. */
  setLength(i: number, length: number): void {
    this.#sending.setLength(i, length);
  }

  /** Sends packets `from` to `to` - 1 of the outbox as client number `client`. @returns how many the kernel took */
  send(client: number, from: number, to: number): number {
    const { call, sendmmsg } = this.#libc;
    const fd = this.#fds[client]!;
    return this.#checked(
      "sendmmsg",
      call.syscall(sendmmsg, fd, this.#sending.pointer(from), to - from, MSG_DONTWAIT, null),
    );
  }

  /** Receives the waiting packets of client number `client` into the inbox, without blocking. @returns how many */
  receive(client: number): number {
    const { call, recvmmsg } = this.#libc;
    const fd = this.#fds[client]!;
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    return this.#checked("recvmmsg", call.syscall(recvmmsg, fd, this.#receiving.pointer(0), CLIENT_BATCH, flags, null));
  }

  /** Length of packet `i` of the inbox. */
  received(i: number): number {
    return this.#receiving.received(i);
  }

  /** Waits until a client can receive. @returns how many clients can; 0 after `ms` milliseconds */
  wait(ms: number): number {
    return this.#checked("poll", this.#libc.call.poll(this.#polledAt, this.count, ms));
  }

  /** Whether the last `wait` found packets for client number `client`. */
  ready(client: number): boolean {
    return this.#polled[client * POLL_WORDS + 1]! >>> 16 !== 0;
  }

  /** Packets so far for which the receive buffers of the clients had no room. */
  dropped(): number {
    const { call } = this.#libc;
    const words = new Uint32Array(MEMINFO_WORDS);
    const length = Int32Array.of(words.byteLength);
    let dropped = 0;
    for (const fd of this.#fds) {
      checked(this.#libc, "getsockopt", call.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, length));
      dropped += words[MEMINFO_DROPS]!;
    }
    return dropped;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #checked(name: string, result: number): number {
    if (result >= 0) return result;
    const error = this.#libc.errno();
    if (error === EAGAIN || error === EINTR) return 0;
    throw systemError(name, error);
  }
}

function bytesOf(address: string): number[] {
  return address.split(".").map(Number);
}

/** The IPv4 address that comes `n` addresses after `first`. */
function addressAfter(first: string, n: number): string {
  const number = bytesOf(first).reduce((sum, byte) => sum * 256 + byte) + n;
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

function datagrams({ bytes }: Packets): Datagrams {
  const headers = new Datagrams(CLIENT_BATCH, 0);
  for (let i = 0; i < CLIENT_BATCH; i++) {
    headers.setBase(i, ptr(bytes) + i * PACKET_SIZE);
    headers.setLength(i, PACKET_SIZE);
  }
  return headers;
}
