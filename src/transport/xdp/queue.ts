/**
 * One queue of the interface: the worker that is to serve it, and the socket that this worker was lent.
 *
 * ```
 * the kernel's ──lend──▶ lent ──"lent"──▶ served ──askBack──▶ asked back ──"returned"──▶ the kernel's
 *                          └───────────────┴─── revoke: the worker has failed ────────────────▲
 * ```
 *
 * Its packets go to the socket while it is served, and else to the kernel's sockets.
 */
import { Problem } from "./problem.ts";
import type { XdpLoan, XdpSocket } from "./socket.ts";

/** A worker, for the control of its queue. */
export interface Borrower {
  /** Asks the worker to serve a queue. It answers by `lent`. */
  lend(loan: XdpLoan): void;
  /** Asks the worker to stop using a loan. It answers by `returned`, also if it does not use it any more. */
  giveBack(loan: number): void;
  /** Resolves when the worker's thread has ended. */
  readonly ended: Promise<void>;
}

/** The program's map from queues to sockets. A queue without an entry is the kernel's. */
export interface SocketMap {
  /** @throws {Error} a system error */
  set(queue: number, fd: number): void;
  delete(queue: number): void;
}

export class Queue {
  readonly number: number;
  readonly problem = new Problem();
  readonly #map: SocketMap;
  #borrower: Borrower | undefined;
  #socket: XdpSocket | undefined;
  /** Whether the worker uses the socket, and the program fills it. */
  #served = false;
  /** Whether the worker was asked to stop using the socket. */
  #asked = false;

  constructor(number: number, map: SocketMap) {
    this.number = number;
    this.#map = map;
  }

  get borrower(): Borrower | undefined {
    return this.#borrower;
  }

  get socket(): XdpSocket | undefined {
    return this.#socket;
  }

  get served(): boolean {
    return this.#served;
  }

  /** Another worker is to serve it. */
  offer(borrower: Borrower): void {
    this.#borrower = borrower;
    this.problem.clear();
  }

  /** Opens a socket and lends it to the worker, if there is a worker without one. */
  lend(open: () => XdpSocket, describe: (socket: XdpSocket) => XdpLoan): void {
    const borrower = this.#borrower;
    if (borrower === undefined || this.#socket !== undefined) return;
    // An earlier error may come from the last step, `lent`. So it is not over before that step has succeeded.
    this.problem.attemptPart(() => {
      this.#socket = open();
      this.#asked = false;
      borrower.lend(describe(this.#socket));
    });
  }

  /** The worker uses the socket of that loan: from now on the queue's packets go there. */
  lent(loan: number): void {
    const socket = this.#socket;
    // Messages of loans that are over may still be on their way.
    if (socket?.loan !== loan || this.#asked) return;
    this.#served = this.problem.attempt(() => this.#map.set(this.number, socket.fd));
    if (!this.#served) this.askBack();
  }

  /** From now on its packets go to the kernel's sockets. The worker still handles what has arrived. */
  leaveToKernel(): void {
    if (this.#served) this.#map.delete(this.number);
    this.#served = false;
  }

  /** {@link leaveToKernel}, and asks the worker to stop using the socket. */
  askBack(): void {
    this.leaveToKernel();
    if (this.#socket === undefined || this.#asked) return;
    this.#asked = true;
    this.#borrower!.giveBack(this.#socket.loan);
  }

  /** The worker does not use that loan any more. @returns the socket, to be closed; undefined if the loan is over */
  returned(loan: number): XdpSocket | undefined {
    return this.#socket?.loan === loan ? this.#takeBack() : undefined;
  }

  /** A worker has failed. @returns its socket, if it has one. The thread may still use that until it has ended */
  revoke(): XdpSocket | undefined {
    const socket = this.#takeBack();
    this.#borrower = undefined;
    return socket;
  }

  #takeBack(): XdpSocket | undefined {
    this.leaveToKernel();
    const socket = this.#socket;
    this.#socket = undefined;
    return socket;
  }
}
