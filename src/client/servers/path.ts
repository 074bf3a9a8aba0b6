/** One address of a server, and the sockets that are connected to it: each on a random port of its own. */
import { familyOf } from "../ip.ts";
import { type ConnectedSocket, codeOf, type Family, runtime } from "../sockets/index.ts";
import { ASKED_UNDER_ATTACK } from "./heard.ts";

/** Sockets are replaced after this time, by sockets on new random ports. */
const MAX_AGE_MS = 60_000;
/** They are replaced, too, if they have sent for this long and received nothing: the host may have changed networks. */
const MAX_SILENCE_MS = 10_000;
/** How long an address that failed is not tried again, in ms, so that thousands of lookups do not each try it. */
export const FAILED_MS = 1_000;
/** A server that has answered within this time is believed to be up, or to be back in a moment. */
const ALIVE_MS = 10_000;
/** Errors of a single packet, which is lost as in the network: no room for it, or a firewall's table is full. */
const LOSSES = ["EAGAIN", "ENOBUFS", "ENOMEM", "EPERM"];
/** How often an attempt to send is repeated if the system takes no packet. */
const MAX_SEND_TRIES = 3;

export interface PathHandlers {
  /** @param unasked - nothing was ever sent through this socket, so no server can know its port: the datagram is forged */
  onDatagram(path: Path, socket: number, unasked: boolean, datagram: Buffer): void;
  /** More sockets are open, or queries can go on without them. */
  onReady(): void;
  /**
   * The sockets were closed, so no answers can come to packets that were sent through them.
   *
   * @param error - why the server cannot be reached at this address; `undefined` if only the sockets had become stale, so that
   *   the packets can be sent again through new ones
   */
  onLost(path: Path, error: Error | undefined): void;
}

interface Lane {
  readonly socket: ConnectedSocket;
  used: boolean;
}

export class Path {
  readonly family: Family;
  /** Address and port. */
  readonly address: string;
  /** Why the server could not be reached here the last time. */
  error: Error | undefined;
  /** When that was. */
  #failedAt = 0;
  readonly #port: number;
  readonly #handlers: PathHandlers;
  #lanes: Lane[] = [];
  /** More sockets cannot be opened: the process has too many open files. */
  #full = false;
  #closed = false;
  /** Settles when no more sockets are being opened. */
  opening: Promise<void> | undefined;
  /** When the last of the sockets was opened. */
  listeningSince = 0;
  /** When the first of them was. */
  #openedAt = Number.POSITIVE_INFINITY;
  /** When the first packet was sent since the last one was received. */
  #silentSince = Number.POSITIVE_INFINITY;
  /** Whether anything was received through these sockets. */
  #heard = false;
  /** When that was the last time, through any sockets. */
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly ip: string,
    port: number,
    handlers: PathHandlers,
  ) {
    this.family = familyOf(ip)!;
    this.address = `${this.family === "IPv6" ? `[${ip}]` : ip}:${port}`;
    this.#port = port;
    this.#handlers = handlers;
  }

  /** Whether it failed so recently that it is not worth a try. */
  get failed(): boolean {
    return this.error !== undefined && performance.now() < this.#failedAt + FAILED_MS;
  }

  /** Whether it has answered a moment ago. */
  get alive(): boolean {
    return performance.now() < this.#heardAt + ALIVE_MS;
  }

  /** The own address that its sockets have. */
  get localAddress(): string | undefined {
    return this.#lanes[0]?.socket.localAddress;
  }

  /** Whether `count` sockets are open. If not, it opens them and then calls `onReady`, or `onLost`. */
  ready(count: number): boolean {
    if (this.#closed) return false;
    const now = performance.now();
    if (now > Math.min(this.#openedAt + MAX_AGE_MS, this.#silentSince + MAX_SILENCE_MS)) this.#renew();
    if (this.#lanes.length >= count || this.#full) return true;
    this.opening ??= this.#open(count).then(() => {
      this.opening = undefined;
      this.#handlers.onReady();
    });
    return false;
  }

  /** Sends packets through one of the sockets that are ready. One that the system does not take counts as lost in the network. */
  send(socket: number, packets: readonly Uint8Array[]): void {
    this.#silentSince = Math.min(this.#silentSince, performance.now());
    const lane = this.#lanes[socket];
    // An error of the previous socket has closed them all.
    if (lane === undefined) return;
    lane.used = true;
    for (let rest = packets, tries = 0; rest.length > 0 && tries < MAX_SEND_TRIES; tries++) {
      const sent = lane.socket.send(rest);
      if (sent > 0) tries = 0;
      rest = rest.slice(sent);
    }
  }

  /** Closes its sockets for good. */
  close(): void {
    this.#closed = true;
    this.#renew();
  }

  /** Closes its sockets, so that others are opened for the next packet. */
  #renew(): void {
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.#silentSince = Number.POSITIVE_INFINITY;
    this.#heard = false;
    this.#full = false;
    for (const { socket } of lanes) socket.close();
  }

  async #open(count: number): Promise<void> {
    const lanes = this.#lanes;
    if (lanes.length === 0) this.#openedAt = performance.now();
    try {
      while (lanes.length < count) {
        const lane: Lane = {
          socket: await runtime.sockets.connect(this.ip, this.#port, {
            onDatagram: (datagram) => {
              if (this.#lanes !== lanes) return;
              this.#heard = true;
              this.#heardAt = performance.now();
              this.error = undefined;
              this.#silentSince = Number.POSITIVE_INFINITY;
              this.#handlers.onDatagram(this, lanes.indexOf(lane), !lane.used, datagram);
            },
            onError: (error) => {
              if (this.#lanes === lanes && !this.#isLoss(codeOf(error))) this.#failed(error);
            },
          }),
          used: false,
        };
        if (this.#lanes !== lanes) return lane.socket.close();
        // In random order, since some systems give out ports in ascending order, as an attacker may try them. The first one may
        // be in use already.
        const first = lanes[0]?.used ? 1 : 0;
        lanes.splice(first + Math.floor(Math.random() * (lanes.length - first + 1)), 0, lane);
        this.listeningSince = performance.now();
      }
    } catch (error) {
      this.#full = lanes.length > ASKED_UNDER_ATTACK && this.#lanes === lanes;
      if (!this.#full) this.#failed(error as Error);
    }
  }

  #isLoss(code: string): boolean {
    // A firewall that forbids all packets gives EPERM as well.
    return LOSSES.includes(code) && (code !== "EPERM" || this.alive);
  }

  /** Sockets that worked, and fail otherwise than by a refusal, may have a source address that this host no longer has. */
  #failed(error: Error): void {
    const code = codeOf(error);
    const stale = this.#heard && code !== "ECONNREFUSED";
    this.#renew();
    if (!stale) {
      this.error = error;
      this.#failedAt = performance.now();
    }
    this.#handlers.onLost(this, stale ? undefined : error);
  }
}
