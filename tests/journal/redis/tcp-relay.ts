/** Forwards a TCP port to another, and can interrupt the connections. */
export class TcpRelay implements Disposable {
  readonly #listener: Bun.TCPSocketListener<Peer>;
  readonly #sockets = new Set<Bun.Socket<Peer>>();
  #cut = false;

  constructor(to: number) {
    const relay = this;
    this.#listener = Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        async open(near) {
          near.data = {};
          relay.#sockets.add(near);
          if (relay.#cut) {
            near.end();
            return;
          }
          near.pause();
          near.data.other = await Bun.connect<Peer>({
            hostname: "127.0.0.1",
            port: to,
            data: { other: near },
            socket: {
              open: (far) => void relay.#sockets.add(far),
              data: (far, bytes) => void far.data.other?.write(bytes),
              close: (far) => void far.data.other?.end(),
            },
          });
          near.resume();
        },
        data: (near, bytes) => void near.data.other?.write(bytes),
        close: (near) => void near.data.other?.end(),
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Closes all connections and refuses new ones, or accepts them again. */
  cut(cut: boolean): void {
    this.#cut = cut;
    if (!cut) return;
    for (const socket of this.#sockets) socket.end();
    this.#sockets.clear();
  }

  [Symbol.dispose](): void {
    this.cut(true);
    this.#listener.stop(true);
  }
}

interface Peer {
  other?: Bun.Socket<Peer>;
}
