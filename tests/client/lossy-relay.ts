/** A relay between a client and a server that loses datagrams, forges replies and records queries. */
import { Random } from "../support/random.ts";

export interface RelayOptions {
  /** How many of 100 datagrams are lost, each way. */
  readonly loss?: number;
  /** Whether a packet to the server is lost. */
  readonly drop?: (packet: Uint8Array) => boolean;
  /** Datagrams to send before each reply, from the relay's own address or from another one. */
  readonly forge?: (query: Uint8Array, reply: Uint8Array) => Forged[];
}

interface Forged {
  readonly bytes: Uint8Array;
  readonly elsewhere?: boolean;
}

/** Each port that asks has a socket of its own towards the server, which replies are relayed back from. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** The packets received. */
  readonly queries: readonly Uint8Array[];
  readonly #sockets: Bun.udp.Socket<"buffer">[];

  private constructor(port: number, sockets: Bun.udp.Socket<"buffer">[], queries: Uint8Array[]) {
    this.port = port;
    this.#sockets = sockets;
    this.queries = queries;
  }

  static async open(server: number, { loss = 0, drop, forge }: RelayOptions = {}): Promise<Relay> {
    const random = new Random(30);
    const lost = () => random.below(100) < loss;
    const queries: Uint8Array[] = [];
    const sockets: Bun.udp.Socket<"buffer">[] = [];
    const open = async (data: NonNullable<Bun.udp.SocketHandler<"buffer">["data"]>) => {
      const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data, error() {} } });
      sockets.push(socket);
      return socket;
    };
    const elsewhere = await open(() => {});
    const backs = new Map<number, Promise<Bun.udp.Socket<"buffer">>>();
    const backOf = (port: number, address: string) =>
      open((_socket, reply) => {
        for (const { bytes, elsewhere: other } of forge?.(queries.at(-1)!, reply) ?? []) {
          (other ? elsewhere : front).send(bytes, port, address);
        }
        if (!lost()) front.send(reply, port, address);
      });
    const front = await open((_socket, datagram, port, address) => {
      const query = new Uint8Array(datagram);
      queries.push(query);
      if (lost() || drop?.(query)) return;
      const back = backs.get(port) ?? backOf(port, address);
      backs.set(port, back);
      void back.then((socket) => socket.send(query, server, "127.0.0.1"));
    });
    return new Relay(front.port, sockets, queries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
  }
}
