/**
 * Owns the kernel objects of the transport xdp: maps, program, its link to the interface, and a socket for each queue. Belongs to the
 * control thread, which lends the queues to workers.
 *
 * Once a second {@link XdpControl.look} makes whatever is missing. So a start, a worker that takes over, an interface that comes back
 * and a queue that another program has freed need no code of their own.
 */
import { closeSync } from "node:fs";
import { type HostAddress, parseAddress } from "../host.ts";
import { type Libc, loadLibc } from "../libc.ts";
import { Bpf, MAP_HASH, MAP_SOCKETS } from "./bpf.ts";
import { type AddressEntry, addressEntries, interfaceIndex, queueCount } from "./interface.ts";
import { Problem } from "./problem.ts";
import { KEY_SIZE, OWN_ADDRESS, xdpProgram } from "./program.ts";
import { type Borrower, Queue, type SocketMap } from "./queue.ts";
import { noAddress, noInterface, notEthernet, xdpReason } from "./reasons.ts";
import { frameCount } from "./region.ts";
import { XdpSocket } from "./socket.ts";
import type { XdpMode, XdpStatus } from "./status.ts";

/** The most addresses of the host, broadcast addresses included. */
const MAX_ADDRESSES = 65_536;
/** The most queues of an interface that are served. */
const MAX_QUEUES = 1024;
/** How often to look, and how soon again after an error that may pass. */
const LOOK_MS = 1000;
const SOON_MS = 50;

export interface XdpControlOptions {
  readonly interface: string;
  readonly port: number;
  /** Numeric addresses that the server listens on, with their zones if they have one. */
  readonly addresses: readonly string[];
  /** The most queues to serve: the number of workers. */
  readonly workers: number;
  /** Bytes per queue for frames; see `frameCount`. */
  readonly receiveBuffer: number;
  /** Called with a line for the log about something that is no problem. */
  readonly inform?: ((text: string) => void) | undefined;
}

/** Sums of the counters of sockets that are closed. */
interface Sums {
  received: number;
  sent: number;
  damaged: number;
  dropped: number;
}

const number32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

export class XdpControl {
  readonly #options: XdpControlOptions;
  readonly #hosts: readonly HostAddress[];
  readonly #libc: Libc;
  readonly #bpf: Bpf;
  readonly #addressMap: number;
  readonly #socketMap: number;
  readonly #program: number;
  /** The entries of the map of addresses. */
  #addresses = new Map<string, AddressEntry>();
  /** The program on an interface, with the number of that; undefined while none has it. */
  #link: { readonly fd: number; readonly index: number; readonly mode: XdpMode } | undefined;
  readonly #queues = new Map<number, Queue>();
  /** Number of queues of the interface. */
  #queueCount = 0;
  /** Sockets that were taken from workers whose threads have not ended. */
  readonly #revoked = new Set<XdpSocket>();
  readonly #closed: Sums = { received: 0, sent: 0, damaged: 0, dropped: 0 };
  /** Why no queue at all is served. */
  readonly #problem = new Problem();
  #timer: Timer | undefined;
  #stopped = false;

  /**
   * Loads the program. It is not attached before {@link look}.
   *
   * @throws {Error} a system error: EPERM if rights are missing
   */
  constructor(options: XdpControlOptions) {
    this.#options = options;
    this.#hosts = options.addresses.map(parseAddress);
    this.#libc = loadLibc();
    this.#bpf = new Bpf(this.#libc);
    this.#addressMap = this.#bpf.createMap(MAP_HASH, KEY_SIZE, 4, MAX_ADDRESSES);
    const descriptors = [this.#addressMap];
    try {
      this.#socketMap = this.#bpf.createMap(MAP_SOCKETS, 4, 4, MAX_QUEUES);
      descriptors.push(this.#socketMap);
      const program = { port: options.port, addresses: this.#addressMap, sockets: this.#socketMap };
      this.#program = this.#bpf.loadProgram(xdpProgram(program));
    } catch (error) {
      for (const fd of descriptors) closeSync(fd);
      throw error;
    }
  }

  get status(): XdpStatus {
    const sums = { ...this.#closed };
    for (const { socket } of this.#queues.values()) if (socket !== undefined) addCounters(sums, socket);
    for (const socket of this.#revoked) addCounters(sums, socket);
    return {
      interface: this.#options.interface,
      mode: this.#link?.mode,
      queues: this.#queueCount,
      served: [...this.#queues.values()].filter((queue) => queue.served).length,
      problem: this.#problemText(),
      ...sums,
    };
  }

  /** Whether nothing is on its way: each queue of a worker is served, or cannot be. */
  get settled(): boolean {
    if (this.#problem.isTransient) return false;
    if (this.#problem.error !== undefined) return true;
    return this.#wanted().every(
      ({ served, socket, problem }) => served || (socket === undefined && problem.error !== undefined),
    );
  }

  /** A worker listens, and is to serve a queue, from 0 on. Does nothing if the interface has no such queue. */
  offer(number: number, borrower: Borrower): void {
    this.#queue(number).offer(borrower);
    this.look();
  }

  /** The worker of a queue uses that loan: from now on the queue's packets go round the kernel. */
  lent(number: number, loan: number): void {
    if (!this.#stopped) this.#queue(number).lent(loan);
  }

  /** The worker of a queue does not use that loan any more. */
  returned(number: number, loan: number): void {
    const queue = this.#queue(number);
    const socket = queue.returned(loan);
    if (socket === undefined) return;
    this.#close(socket);
    // After a failure the timer tries again.
    if (queue.problem.error === undefined && !queue.problem.isTransient) this.look();
  }

  /** The worker of a queue has failed: the kernel's sockets have the queue at once. */
  revoke(number: number): void {
    const queue = this.#queue(number);
    const { borrower } = queue;
    const socket = queue.revoke();
    if (socket === undefined) return;
    this.#revoked.add(socket);
    this.#freeRevoked();
    void borrower!.ended.then(() => {
      this.#revoked.delete(socket);
      this.#close(socket);
    });
  }

  /** Looks at the interface, makes what is missing, and does so again in a second, or sooner after an error that may pass. Never throws. */
  look(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#freeRevoked();
    if (this.#problem.attempt(() => this.#prepare())) for (const queue of this.#wanted()) this.#lend(queue);
    const soon = this.#problem.soon || this.#wanted().some(({ problem }) => problem.soon);
    this.#timer = setTimeout(() => this.look(), soon ? SOON_MS : LOOK_MS);
    this.#timer.unref();
  }

  /** Gives all queues to the kernel's sockets. The workers still handle what has arrived. */
  detach(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const queue of this.#queues.values()) queue.leaveToKernel();
  }

  /** Frees everything. What a thread may still use is freed when it has ended. */
  close(): void {
    this.detach();
    for (const number of this.#queues.keys()) this.revoke(number);
    this.#unlink();
    for (const fd of [this.#program, this.#socketMap, this.#addressMap]) closeSync(fd);
  }

  /** Makes all that the queues need. @throws {Error} the reason why none can be served */
  #prepare(): void {
    const { interface: name } = this.#options;
    const index = interfaceIndex(this.#libc, name);
    const link = this.#link;
    // The kernel takes the program off an interface that it deletes. Another one may have got the name.
    if (link !== undefined && (link.index !== index || this.#bpf.linkInterface(link.fd) !== index)) this.#unlink();
    this.#queueCount = index === undefined ? 0 : queueCount(this.#libc, name);
    if (index === undefined) throw noInterface();
    this.#updateAddresses(index);
    this.#link ??= this.#attach(index);
  }

  #lend(queue: Queue): void {
    const { interface: name, receiveBuffer } = this.#options;
    const { index } = this.#link!;
    queue.lend(
      () => new XdpSocket(index, queue.number, frameCount(receiveBuffer), this.#libc),
      (socket) => socket.describe(name, index),
    );
  }

  #attach(index: number): { fd: number; index: number; mode: XdpMode } {
    try {
      return { fd: this.#bpf.attach(this.#program, index, "native"), index, mode: "native" };
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      // EBUSY, EEXIST: another program is attached. All but these: the driver cannot, or not with these settings.
      if (["EBUSY", "EEXIST", "EPERM", "ENODEV"].includes(code)) throw error;
      const fd = this.#bpf.attach(this.#program, index, "generic");
      const { interface: name, inform } = this.#options;
      inform?.(
        `the driver of ${name} does not run the program (${code}), so the kernel does, which costs more: generic mode`,
      );
      return { fd, index, mode: "generic" };
    }
  }

  /** Takes the program off the interface, and asks the workers for the queues. */
  #unlink(): void {
    for (const queue of this.#queues.values()) queue.askBack();
    if (this.#link !== undefined) closeSync(this.#link.fd);
    this.#link = undefined;
  }

  #updateAddresses(index: number): void {
    const entries = addressEntries(this.#libc, index, this.#hosts);
    if (entries === undefined) throw notEthernet();
    for (const [name, { key }] of this.#addresses) {
      if (!entries.has(name)) this.#bpf.deleteEntry(this.#addressMap, key);
    }
    for (const [name, { key, value }] of entries) {
      if (!this.#addresses.has(name)) this.#bpf.setEntry(this.#addressMap, key, number32(value));
    }
    this.#addresses = entries;
    if (![...entries.values()].some(({ value }) => value === OWN_ADDRESS)) throw noAddress();
  }

  /** Queues that have a worker. */
  #wanted(): Queue[] {
    return [...this.#queues.values()].filter(
      ({ number, borrower }) => borrower !== undefined && number < this.#queueCount,
    );
  }

  #problemText(): string | undefined {
    if (this.#problem.error !== undefined) return xdpReason(this.#problem.error);
    const failed = this.#wanted().find(({ problem }) => problem.error !== undefined);
    if (failed !== undefined) return `queue ${failed.number}: ${xdpReason(failed.problem.error)}`;
    const { workers } = this.#options;
    if (this.#queueCount <= workers) return undefined;

    return `it has ${this.#queueCount} queues, and only ${workers} of them ${workers === 1 ? "has" : "have"} a worker: start the server again, with --workers auto`;
  }

  #queue(number: number): Queue {
    const queue = this.#queues.get(number) ?? new Queue(number, this.#sockets);
    this.#queues.set(number, queue);
    return queue;
  }

  readonly #sockets: SocketMap = {
    set: (queue, fd) => this.#bpf.setEntry(this.#socketMap, number32(queue), number32(fd)),
    delete: (queue) => this.#bpf.deleteEntry(this.#socketMap, number32(queue)),
  };

  /** Frees the queues of failed workers. Those for which no descriptor is free are left for the next time. */
  #freeRevoked(): void {
    try {
      for (const socket of this.#revoked) socket.revoke();
    } catch {}
  }

  #close(socket: XdpSocket): void {
    socket.close();
    addCounters(this.#closed, socket);
  }
}

function addCounters(sums: Sums, socket: XdpSocket): void {
  const [received, sent, damaged] = new Float64Array(socket.counters) as unknown as [number, number, number];
  sums.received += received;
  sums.sent += sent;
  sums.damaged += damaged;
  sums.dropped += socket.dropped;
}
