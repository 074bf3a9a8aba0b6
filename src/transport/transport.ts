/** What brings datagrams to a packet engine and its replies back, whichever system calls it uses. */
import type { SocketNote } from "./leftover.ts";
import type { PortSharing } from "./socket.ts";

/** Where datagrams wait for the engine, and its replies for the transport. The engine's `Lane` is one. */
export interface Slots {
  /** Where in `bytes` slot 0 begins, as assembly/layout.ts lays it out; the others follow it. */
  readonly at: number;
  /** Datagrams in a batch at most. */
  readonly batch: number;
  /** The memory that addresses are written into. */
  readonly bytes: Uint8Array;
  fill(slot: number, datagram: Uint8Array): void;
  /** Where in `bytes` the 16 bytes of a slot's source address go. */
  addressAt(slot: number): number;
  setPort(slot: number, port: number): void;
  reply(slot: number): Uint8Array | undefined;
  countUnsent(replies: number): void;
  countSocketError(): void;
}

export interface TransportOptions {
  /** Address or name of the interface to listen on; `::` is every interface, IPv6 and IPv4. */
  readonly host: string;
  /** UDP port; 0 takes one that is free. */
  readonly port: number;
  /** How workers share the port; without it the port is for this socket alone. */
  readonly reusePort?: PortSharing | undefined;
  /** Bytes for datagrams that wait, 8 MB by default. */
  readonly receiveBuffer?: number | undefined;
  /** For who may end this thread at any time; see {@link SocketNote}. */
  readonly note?: SocketNote | undefined;
  readonly slots: Slots;
  /** Judges the datagrams in the first `count` slots; returns how many replies there are. */
  readonly judge: (count: number) => number;
  /** Asked once a batch: a thread under a flood gets no message, so it has to look. */
  readonly shouldStop: () => boolean;
  /** Called once, when the transport has closed by itself: told to stop, or for an error of the program's own. */
  readonly onEnd: (error?: Error) => void;
}

export interface Transport {
  /** What it really listens on. */
  readonly port: number;
  /** Bytes granted for datagrams that wait, less than asked for perhaps; undefined where the system does not tell. */
  readonly receiveBuffer: number | undefined;
  /** Descriptor of the socket, for who has to take it from a thread that is stuck; undefined where it is not known. */
  readonly fd: number | undefined;
  /** Judges what is in hand, then closes the socket. */
  close(): void;
}
