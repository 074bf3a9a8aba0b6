/** The UDP sockets that the client needs. Each runtime has an implementation of its own: bun.ts, node.ts. */

export type Family = "IPv4" | "IPv6";

/** Called by a socket, never before the promise that opened it has resolved. Must not throw. */
export interface SocketHandlers {
  /**
   * @param datagram - valid during the call only
   * @param address - where it came from: `192.0.2.1`, `fe80::1%eth0`
   */
  onDatagram(datagram: Buffer, address: string): void;
  /** The system reports an error of an earlier packet: nothing listens at its destination, for instance. */
  onError(error: Error): void;
}

/** A socket on a random port that exchanges packets with one address: the kernel drops packets from elsewhere. */
export interface ConnectedSocket {
  /** @returns how many packets the system took: fewer than all if it has no room, or reports an error of an earlier packet */
  send(packets: readonly Uint8Array[]): number;
  /** The own address that the system has chosen: it stays the same if the host gets another one. */
  readonly localAddress: string;
  close(): void;
}

/** A socket on a fixed port that other programs of this host can use too: all receive each broadcast and multicast. */
export interface SharedSocket {
  readonly closed: boolean;
  /** Resolves when the system has taken the packet; rejects with its error. */
  send(packet: Uint8Array, port: number, address: string): Promise<void>;
  /** @param networkInterface - its name @throws the system's error */
  addMembership(group: string, networkInterface: string): void;
  /** @param networkInterface - its name @throws the system's error */
  dropMembership(group: string, networkInterface: string): void;
  close(): void;
}

/** The sockets of one runtime. None of them keeps the process running. All promises reject with the system's error. */
export interface Sockets {
  /** @param ip - an address of either family, without brackets; link-local ones with their zone */
  connect(ip: string, port: number, handlers: SocketHandlers): Promise<ConnectedSocket>;
  /** Listens on all addresses of a family, and may send broadcasts. IPv6 does not include IPv4. */
  share(family: Family, port: number, handlers: SocketHandlers): Promise<SharedSocket>;
}

/** The system's error code, or else the error's message. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}
