/** Queries for random nodes at a steady rate, whether they are answered or not. */
import { nodeOf } from "../../tests/support/nodes.ts";
import { announcement, query } from "../../tests/support/packets.ts";
import { Random } from "../../tests/support/random.ts";

const SOCKETS = 16;
const TICK_MS = 5;
/** How many announcements are sent at once, so that they fit into a receive buffer. */
const WAVE = 500;
/** How long the last answers are waited for. */
const LAST_MS = 3000;

export class Load implements Disposable {
  asked = 0;
  answered = 0;
  /** The longest time without any answer, in ms. */
  longestPause = 0;
  readonly #port: number;
  readonly #nodes: number;
  readonly #random = new Random(1);
  readonly #sockets: Bun.udp.Socket<"buffer">[] = [];
  #last = performance.now();
  #timer: Timer | undefined;

  private constructor(port: number, nodes: number) {
    this.#port = port;
    this.#nodes = nodes;
  }

  static async open(port: number, nodes: number): Promise<Load> {
    const load = new Load(port, nodes);
    for (let i = 0; i < SOCKETS; i++) {
      load.#sockets.push(
        await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data: () => load.#reply(), error() {} } }),
      );
    }
    return load;
  }

  async announceAll(): Promise<void> {
    for (let i = 0; i < this.#nodes; i++) {
      const { id, port } = nodeOf(i);
      this.#send(i, announcement(id, port));
      if (i % WAVE === WAVE - 1) await Bun.sleep(10);
    }
  }

  /** Starts to send this many queries per second. */
  start(rate: number): void {
    const from = performance.now();
    this.#last = from;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - from) / 1000) * rate;
      while (this.asked < due) this.#ask(this.#random.below(this.#nodes));
    }, TICK_MS);
  }

  /** Stops, and waits for the last answers. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#settle();
  }

  /** Asks for each node once. @returns how many were answered */
  async askAll(): Promise<number> {
    const before = this.answered;
    const asked = this.asked;
    for (let i = 0; i < this.#nodes; i++) {
      this.#ask(i);
      if (i % WAVE === WAVE - 1) await Bun.sleep(10);
    }
    await this.#settle();
    this.asked = asked;
    const known = this.answered - before;
    this.answered = before;
    return known;
  }

  async #settle(): Promise<void> {
    const until = performance.now() + LAST_MS;
    while (this.answered < this.asked && performance.now() < until) await Bun.sleep(TICK_MS);
  }

  #reply(): void {
    this.answered++;
    const now = performance.now();
    this.longestPause = Math.max(this.longestPause, now - this.#last);
    this.#last = now;
  }

  #ask(node: number): void {
    this.asked++;
    this.#send(this.asked, query(nodeOf(node).id));
  }

  #send(i: number, packet: Uint8Array): void {
    try {
      this.#sockets[i % SOCKETS]!.send(packet, this.#port, "127.0.0.1");
    } catch {
      // The error of an earlier packet: nothing listened. That one counts as lost, and this one as well.
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.close();
  }
}
