/**
 * Queries a server from 48 sockets, so that every worker gets some: `bun query-load.ts PORT NODES`. Ends at SIGTERM, or after two minutes
 * with exit code 1. Every 5 ms each socket sends the next query if it has its reply or has waited 20 ms for it; one in 16 sends an
 * announcement as well. So the workers always have work, and it takes a fraction of a processor. Prints one line of JSON: `longest`, the
 * longest time in ms that any socket was without a reply, `asked` and `answered`.
 */
import { nodeOf } from "../support/nodes.ts";
import { announcement, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

const [port, nodes] = process.argv.slice(2).map(Number) as [number, number];
const SOCKETS = 48;
const TICK_MS = 5;
const REPLY_TIMEOUT_MS = 20;
const random = new Random(1);
let asked = 0;
let answered = 0;
let longest = 0;

class LoadClient {
  #answered = performance.now();
  #asked = 0;
  #waits = false;
  #socket!: Bun.udp.Socket<"buffer">;

  async open(): Promise<void> {
    this.#socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: () => {
          answered++;
          this.#waits = false;
          this.#measure();
        },
        error() {},
      },
    });
    this.#answered = performance.now();
  }

  #measure(): void {
    const now = performance.now();
    longest = Math.max(longest, now - this.#answered);
    this.#answered = now;
  }

  ask(): void {
    if (this.#waits && performance.now() - this.#asked <= REPLY_TIMEOUT_MS) return;
    const { id, port: nodePort } = nodeOf(random.below(nodes));
    this.#asked = performance.now();
    this.#waits = true;
    asked++;
    try {
      if (random.once(16)) this.#socket.send(announcement(id, nodePort), port, "127.0.0.1");
      this.#socket.send(query(id), port, "127.0.0.1");
    } catch {
      // The error belongs to an earlier packet.
    }
  }

  /** Counts the wait that is still going on. */
  end(): void {
    this.#measure();
  }
}

const clients = Array.from({ length: SOCKETS }, () => new LoadClient());
for (const client of clients) await client.open();
setInterval(() => {
  for (const client of clients) client.ask();
}, TICK_MS);
setTimeout(() => process.exit(1), 120_000);
process.on("SIGTERM", () => {
  for (const client of clients) client.end();
  console.log(JSON.stringify({ longest, asked, answered }));
  process.exit(0);
});
