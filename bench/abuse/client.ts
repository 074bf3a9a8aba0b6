/** An honest client with an address of its own. It resends a query as the client of src/client/ does. */
import { RETRY_WAITS } from "../../src/client/servers/waits.ts";
import { createCodec, ipToText, nodeIdToText } from "../../src/codec/index.ts";
import { announcement, nodeId, query } from "../packets.ts";

/** As long as a lookup of src/client/ waits by default. */
const LOOKUP_MS = 5_000;

const codec = createCodec({ backend: "ts" });

export interface Lookup {
  /** Where the node is; undefined if no answer came. */
  readonly ip: string | undefined;
  readonly ms: number;
}

export class HonestClient implements Disposable {
  /** Queries sent, with every resend. */
  queries = 0;
  /** Replies, of which a lookup may get several. */
  replies = 0;
  readonly #socket: Bun.udp.ConnectedSocket<"buffer">;
  /** By NodeID: the lookups that wait. */
  readonly #waiting = new Map<string, (ip: string) => void>();

  private constructor(socket: Bun.udp.ConnectedSocket<"buffer">) {
    this.#socket = socket;
  }

  static async open(address: string, server: string, port: number): Promise<HonestClient> {
    let client: HonestClient | undefined;
    const socket = await Bun.udpSocket({
      hostname: address,
      connect: { hostname: server, port },
      socket: {
        data(_, datagram) {
          if (client !== undefined) client.#receive(datagram);
        },
        error() {},
      },
    });
    client = new HonestClient(socket);
    return client;
  }

  announce(n: number): void {
    this.#socket.send(codec.encode(announcement(n)));
  }

  /** @param once - whether the query is sent only once, and given up after the first wait between two attempts */
  async lookUp(n: number, once = false): Promise<Lookup> {
    const key = nodeIdToText(nodeId(n))!;
    const packet = codec.encode(query(n));
    const answer = Promise.withResolvers<string | undefined>();
    this.#waiting.set(key, answer.resolve);
    const timers: Timer[] = [];
    const send = (attempt: number) => {
      this.queries++;
      this.#socket.send(packet);
      const wait = RETRY_WAITS[attempt];
      if (!once && wait !== undefined) timers[1] = setTimeout(() => send(attempt + 1), wait);
    };
    const start = performance.now();
    timers[0] = setTimeout(() => answer.resolve(undefined), once ? RETRY_WAITS[0] : LOOKUP_MS);
    send(0);
    const ip = await answer.promise;
    for (const timer of timers) clearTimeout(timer);
    this.#waiting.delete(key);
    return { ip, ms: performance.now() - start };
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #receive(datagram: Buffer): void {
    const result = codec.tryDecode(datagram);
    if (!result.ok || result.packet.type !== "announcement") return;
    this.replies++;
    this.#waiting.get(nodeIdToText(result.packet.nodeId)!)?.(ipToText(result.packet.ip)!);
  }
}
