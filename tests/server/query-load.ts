/**
 * Asks a server without a pause, from many sockets, so that each of its workers has some: `bun query-load.ts PORT NODES`, until it is
 * ended by SIGTERM, a minute at most. Every socket waits for a reply, 20 ms at most, before it asks again; now and then one announces a node
 * anew. Prints one line of JSON: how long the socket waited that waited longest for a reply, in ms, and what was asked and answered.
 */
import { nodeOf } from "../support/nodes.ts";
import { announcement, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

const [port, nodes] = process.argv.slice(2).map(Number) as [number, number];
const SOCKETS = 48;
const PATIENCE_MS = 20;
const random = new Random(1);
let asked = 0;
let answered = 0;
let longest = 0;

class Asker {
  #answered = performance.now();
  #asked = 0;
  #socket!: Bun.udp.Socket<"buffer">;

  async open(): Promise<void> {
    this.#socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: () => {
          answered++;
          this.#settle();
          this.ask();
        },
        error() {},
      },
    });
    this.#answered = performance.now();
    this.ask();
  }

  #settle(): void {
    const now = performance.now();
    longest = Math.max(longest, now - this.#answered);
    this.#answered = now;
  }

  ask(): void {
    const { id, port: nodePort } = nodeOf(random.below(nodes));
    this.#asked = performance.now();
    asked++;
    try {
      if (random.once(16)) this.#socket.send(announcement(id, nodePort), port, "127.0.0.1");
      this.#socket.send(query(id), port, "127.0.0.1");
    } catch {
      // An error of an earlier packet.
    }
  }

  look(now: number): void {
    if (now - this.#asked > PATIENCE_MS) this.ask();
  }

  /** Who still waits has waited until now. */
  end(): void {
    this.#settle();
  }
}

const askers = Array.from({ length: SOCKETS }, () => new Asker());
for (const asker of askers) await asker.open();
setInterval(() => {
  for (const asker of askers) asker.look(performance.now());
}, 5);
setTimeout(() => process.exit(1), 60_000);
process.on("SIGTERM", () => {
  for (const asker of askers) asker.end();
  console.log(JSON.stringify({ longest, asked, answered }));
  process.exit(0);
});
