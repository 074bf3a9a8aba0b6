/** Ports that stay free, or that stay without a listener, while other tests open sockets. */

/** Systems give out ports from here on by themselves: Linux from 32768, others from 49152. */
const FIRST_EPHEMERAL = 32_768;
const FIRST = 10_000;

/**
 * A free port of loopback that no system gives out by itself, for a server that a test stops and starts again. It is free for UDP and
 * TCP.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (FIRST_EPHEMERAL - FIRST));
    try {
      (await Bun.udpSocket({ hostname: "127.0.0.1", port })).close();
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Taken: another one.
    }
  }
}

/**
 * A port of loopback that nothing listens on. A connected socket holds it, so nobody else gets it: the kernel refuses packets from
 * other ports than its peer's.
 */
export class DeadPort implements Disposable {
  readonly #socket: Bun.udp.ConnectedSocket<"buffer">;

  private constructor(socket: Bun.udp.ConnectedSocket<"buffer">) {
    this.#socket = socket;
  }

  static async open(): Promise<DeadPort> {
    const connect = { hostname: "127.0.0.1", port: 1 };
    return new DeadPort(await Bun.udpSocket({ connect, socket: { error() {} } }));
  }

  /** As in `--server`. */
  get address(): string {
    return `127.0.0.1:${this.#socket.port}`;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
