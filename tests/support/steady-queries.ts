/** Asks a server for one node over and over, and counts the answers. */
import { query } from "./packets.ts";
import { until } from "./time-limits.ts";

/** Queries in flight per socket. */
const WINDOW = 16;

export class SteadyQueries implements AsyncDisposable {
  sent = 0;
  answered = 0;
  readonly #sockets: Bun.udp.ConnectedSocket<"buffer">[] = [];
  readonly #query: Uint8Array;
  #ended = false;

  private constructor(nodeId: Uint8Array) {
    this.#query = query(nodeId);
  }

  /** Starts to ask from several ports, so that the queries are spread over all sockets that share the server's port. */
  static async start(
    port: number,
    nodeId: Uint8Array,
    { host = "127.0.0.1", sockets = 8 } = {},
  ): Promise<SteadyQueries> {
    const queries = new SteadyQueries(nodeId);
    for (let i = 0; i < sockets; i++) queries.#sockets.push(await queries.#open(host, port));
    for (const socket of queries.#sockets) for (let i = 0; i < WINDOW; i++) queries.#ask(socket);
    return queries;
  }

  async #open(hostname: string, port: number): Promise<Bun.udp.ConnectedSocket<"buffer">> {
    return await Bun.udpSocket({
      connect: { hostname, port },
      socket: {
        data: (socket) => {
          this.answered++;
          if (!this.#ended) this.#ask(socket as unknown as Bun.udp.ConnectedSocket<"buffer">);
        },
        // Nothing listens for a moment: that query is lost.
        error() {},
      },
    });
  }

  #ask(socket: Bun.udp.ConnectedSocket<"buffer">): void {
    this.sent++;
    socket.send(this.#query);
  }

  /** Waits for this many more answers. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count;
    await until(() => this.answered >= goal, `${count} more answers`);
  }

  /** Stops asking and waits for the last answers. @returns how many queries had none */
  async lost(): Promise<number> {
    this.#ended = true;
    try {
      await until(() => this.answered === this.sent, "the last answers", 5000);
    } catch {}
    return this.sent - this.answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const socket of this.#sockets) socket.close();
  }
}
