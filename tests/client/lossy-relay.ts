/** A relay between a client and a server that loses datagrams, forges replies and records queries. */
import { Random } from "../support/random.ts";

export interface RelayOptions {
  /** How many of 100 datagrams are lost, each way. */
  readonly loss?: number;
  /** Datagrams to send before each reply, from the relay's own address or from another one. */
  readonly forge?: (query: Uint8Array, reply: Uint8Array) => { bytes: Uint8Array; elsewhere?: boolean }[];
}

/** Serves one client: replies go to the sender of the last query. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** The queries received. */
  queries: Uint8Array[] = [];
  readonly #close: () => void;

  private constructor(port: number, close: () => void) {
    this.port = port;
    this.#close = close;
  }

  static async open(server: number, { loss = 0, forge }: RelayOptions = {}): Promise<Relay> {
    const random = new Random(30);
    const lost = () => random.below(100) < loss;
    let client = { port: 0, address: "" };
    let last: Uint8Array = new Uint8Array();
    let relay: Relay | undefined;
    const elsewhere = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
    const back = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(_socket, reply) {
          for (const { bytes, elsewhere: other } of forge?.(last, reply) ?? []) {
            (other ? elsewhere : front).send(bytes, client.port, client.address);
          }
          if (!lost()) front.send(reply, client.port, client.address);
        },
        error() {},
      },
    });
    const front = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(_socket, query, port, address) {
          client = { port, address };
          last = new Uint8Array(query);
          relay?.queries.push(last);
          if (!lost()) back.send(query, server, "127.0.0.1");
        },
        error() {},
      },
    });
    relay = new Relay(front.port, () => {
      for (const socket of [front, back, elsewhere]) socket.close();
    });
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}
