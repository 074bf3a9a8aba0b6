/** What brings datagrams to a packet engine and its replies back, whichever system calls it uses. */
import type { Lane, PacketEngine } from "../engine/index.ts";

export interface TransportOptions {
  /** Address or name of the interface to listen on; `::` is every interface, IPv6 and IPv4. */
  readonly host: string;
  /** UDP port; 0 takes one that is free. */
  readonly port: number;
  readonly engine: PacketEngine;
  /** The slots that this transport alone uses. */
  readonly lane: Lane;
  /** The time in whole milliseconds since 1970, read once a batch. */
  readonly now: () => number;
  /** Asked once a batch: a thread under a flood gets no message, so it has to look. */
  readonly shouldStop: () => boolean;
  /** Called once, when the transport has stopped because `shouldStop` said so. */
  readonly onStop: () => void;
}

export interface Transport {
  /** What it really listens on. */
  readonly port: number;
  /** Judges what is in hand, then closes the socket. */
  close(): void;
}
