/** A UDP client for tests. It uses Bun's socket directly, and none of the code under test. */
export class Client implements AsyncDisposable {
  readonly replies: Uint8Array[] = [];
  readonly #socket: Bun.udp.Socket<"buffer">;
  readonly #server: { host: string; port: number };
  #wake: () => void = () => {};

  private constructor(socket: Bun.udp.Socket<"buffer">, host: string, port: number) {
    this.#socket = socket;
    this.#server = { host, port };
  }

  static async open(port: number, host = "127.0.0.1", from = host): Promise<Client> {
    let client: Client | undefined;
    const socket = await Bun.udpSocket({
      hostname: from,
      socket: {
        data(_socket, datagram) {
          if (client === undefined) return;
          client.replies.push(new Uint8Array(datagram));
          client.#wake();
        },
        error() {},
      },
    });
    socket.setBroadcast(true);
    client = new Client(socket, host, port);
    return client;
  }

  get port(): number {
    return this.#socket.port;
  }

  send(packet: Uint8Array): void {
    this.#socket.send(packet, this.#server.port, this.#server.host);
  }

  /** The next reply, or undefined if none arrives within `timeout` ms. */
  async receive(timeout = 2000): Promise<Uint8Array | undefined> {
    const end = performance.now() + timeout;
    while (this.replies.length === 0 && performance.now() < end) {
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), Bun.sleep(end - performance.now())]);
    }
    return this.replies.shift();
  }

  async ask(packet: Uint8Array, timeout?: number): Promise<Uint8Array | undefined> {
    this.send(packet);
    return await this.receive(timeout);
  }

  close(): void {
    this.#socket.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
