/** The interface of transports, which bring datagrams to a packet engine and send its replies. */

import type { PortSharing } from "./socket.ts";
import type { SocketRecord } from "./socket-record.ts";

/**
 * Slots in which the transport puts datagrams for the engine, and the engine puts replies. Implemented by the engine's
 * `Lane`.
 */
export interface Slots {
  /** Offset of slot 0 in `bytes`; assembly/layout.ts has the layout. The other slots follow. */
  readonly at: number;
  /** Number of slots: the largest batch. */
  readonly batch: number;
  /** The engine's memory. */
  readonly bytes: Uint8Array;
  /** Copies a datagram into a slot. */
  fill(slot: number, datagram: Uint8Array): void;
  /** Offset in `bytes` of a slot's source address, which has 16 bytes. */
  addressAt(slot: number): number;
  /** Sets the source port of a slot. */
  setPort(slot: number, port: number): void;
  /** The reply in a slot; undefined if there is none. */
  reply(slot: number): Uint8Array | undefined;
  /** Counts replies that could not be sent. */
  countUnsent(replies: number): void;
  countSocketError(): void;
}

export interface TransportOptions {
  /** Addresses or names to listen on; `::` is every interface, IPv6 and IPv4. See also `EVERY_ADDRESS`. */
  readonly hosts: readonly string[];
  /** UDP port; 0 takes one that is free at all hosts. */
  readonly port: number;
  /**
   * Descriptors of sockets that are used instead of binding `hosts` and `port`; see given-sockets.ts. Only of the transport
   * mmsg.
   */
  readonly given?: readonly number[] | undefined;
  /** How workers share the port: `first` by default. */
  readonly reusePort?: PortSharing | undefined;
  /** Size of the receive buffer in bytes; 8 MB by default. */
  readonly receiveBuffer?: number | undefined;
  /**
   * How long the thread sleeps after a batch that is not full, in microseconds, so that the next one is larger. 0 by default: not at
   * all. Only of the transports mmsg and xdp.
   */
  readonly coalesce?: number | undefined;
  /** Records the sockets, so that they can be closed if this thread is terminated or stuck; see {@link SocketRecord}. */
  readonly socketRecord?: SocketRecord | undefined;
  readonly slots: Slots;
  /** Has the engine process the datagrams in the first `count` slots. @returns the number of replies */
  readonly processBatch: (count: number) => number;
  /** Polled after every batch, because a thread under a flood receives no messages. */
  readonly shouldStop: () => boolean;
  /**
   * Called once, when the transport has closed by itself: after `shouldStop`, or because of an error. Not called after
   * `close`.
   */
  readonly onEnd: (error?: Error) => void;
  /** Called with a line for the log about a problem with which the transport goes on. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

export interface Transport {
  /** The port that it listens on. */
  readonly port: number;
  /** The numeric addresses of the hosts, with their zones if they have one. */
  readonly addresses: readonly string[];
  /** Size of the receive buffer that the system granted, in bytes; may be less than requested. Undefined if unknown. */
  readonly receiveBuffer: number | undefined;
  /** Processes the datagrams that were received, or wait in the sockets, then closes the sockets. */
  close(): void;
}
