/** Receives datagrams into the slots of an engine lane, and sends the replies in them. */
export interface PacketLane {
  readonly fd: number;
  /** Whether another program has bound its socket and keeps it open; see given-sockets.ts. */
  readonly given: boolean;
  /** More datagrams than can wait in it. */
  readonly capacity: number;
  /** Stops the delivery of new datagrams. */
  detach(): void;
  /** @returns how many slots have a datagram. @throws {Error} a system error that does not pass */
  receive(wait: boolean): number;
  /** Sends the replies in the first `count` slots. Called after each batch, also if it has no replies. */
  reply(count: number): void;
}
