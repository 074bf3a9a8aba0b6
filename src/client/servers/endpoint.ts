/** A server's address, which its name may change, and the UDP socket that sends to it. */
import { builtin } from "../builtin.ts";
import { familyOf, formatIp } from "../ip.ts";
import { type ConnectedSocket, runtime } from "../sockets/index.ts";
import { parseServer } from "./address.ts";

/** How long the address of a name is used for queries. */
const RESOLVED_MS = 60_000;
/** How long to wait after a failure before the name is resolved again, in ms. */
export const RETRY_MS = 1_000;

export interface EndpointOptions {
  /** Called for each datagram that comes from the server. */
  readonly onDatagram: (datagram: Buffer) => void;
  /** The socket reports an error of an earlier packet: nothing listens at its destination, for instance. */
  readonly onError: (error: Error) => void;
}

export class Endpoint {
  readonly #host: string;
  readonly #port: number;
  readonly #options: EndpointOptions;
  #socket: ConnectedSocket | undefined;
  #opening: Promise<void> | undefined;
  /** The address in use. */
  #ip = "";
  /** Which address to use of a name that has several. Errors advance it. */
  #turn = 0;
  #resolveAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @throws as {@link parseServer} does */
  constructor(server: string, options: EndpointOptions) {
    const { host, port } = parseServer(server);
    this.#host = host;
    this.#port = port;
    this.#options = options;
  }

  /** Whether packets can be sent. */
  get ready(): boolean {
    return this.#socket !== undefined;
  }

  /** Whether it is time to resolve the name again, or for the first time. */
  get stale(): boolean {
    return this.#opening === undefined && performance.now() >= this.#resolveAt;
  }

  /** The address in use, with the port. */
  get address(): string {
    return `${this.#ip.includes(":") ? `[${this.#ip}]` : this.#ip}:${this.#port}`;
  }

  /** Resolves the name, and opens a socket if there is none of that IP version. A previous socket is used until then. */
  open(): Promise<void> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Defers {@link stale} for a while. */
  deferResolving(): void {
    this.#resolveAt = performance.now() + RETRY_MS;
  }

  /** @returns how many packets were sent: fewer than all if the socket is full or has an error of an earlier packet */
  send(packets: readonly Uint8Array[]): number {
    return this.#socket?.send(packets) ?? 0;
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #openNow(): Promise<void> {
    const ip = await this.#resolve();
    if (this.#closed) return;
    if (this.#socket === undefined || ip !== this.#ip) {
      const socket = await runtime.sockets.connect(ip, this.#port, {
        onDatagram: (datagram) => this.#options.onDatagram(datagram),
        onError: (error) => {
          this.#turn++;
          this.#options.onError(error);
        },
      });
      if (this.#closed) return socket.close();
      this.#socket?.close();
      this.#socket = socket;
    }
    this.#ip = ip;
    this.#resolveAt = performance.now() + RESOLVED_MS;
  }

  async #resolve(): Promise<string> {
    if (familyOf(this.#host) !== undefined) return formatIp(this.#host);
    const dns = builtin<typeof import("node:dns/promises")>("node:dns/promises");
    const addresses = await dns.lookup(this.#host, { all: true });
    if (addresses.length === 0) throw new Error("the name has no address");
    return formatIp(addresses[this.#turn % addresses.length]!.address);
  }
}
