/** What brings datagrams to a packet engine and its replies back, whichever system calls it uses. */

/** Where datagrams wait for the engine, and its replies for the transport. The engine's `Lane` is one. */
export interface Slots {
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
  /** Judges what is in hand, then closes the socket. */
  close(): void;
}
