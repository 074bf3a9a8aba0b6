/**
 * Announces nodes to servers on 127.0.0.1 at a steady rate. Node n goes to server n modulo their number. Prints one
 * line of JSON.
 */
import { createCodec } from "../../src/codec/index.ts";
import { optionsOf, seconds, UsageError, wholeNumber, wholeNumbers } from "../options.ts";
import { announcement } from "../packets.ts";

const BATCH = 32;

const options = optionsOf(
  {
    command: "bun bench/journal/announcer.ts",
    about: `Announces nodes to one or several servers on 127.0.0.1 at a steady rate, and prints how many as one line of JSON.
Each node is announced to one server only.`,
    flags: {
      ports: wholeNumbers({ min: 1, max: 65_535, default: undefined, help: "UDP ports of the servers (required)" }),
      nodes: wholeNumber({ min: 1, max: 10_000_000, default: 100_000, help: "nodes to announce, in turn" }),
      rate: wholeNumber({ min: 1, max: 10_000_000, default: 5_000, help: "announcements per second" }),
      seconds: seconds({ default: 10, help: "how long" }),
    },
  },
  ({ ports, ...values }) => {
    if (ports === undefined) throw new UsageError("--ports is required");
    return { ...values, ports };
  },
);
const { ports, nodes, rate } = options;
const codec = createCodec();
const packets = Array.from({ length: nodes }, (_, n) => codec.encode(announcement(n)));
const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
let sent = 0;
const began = performance.now();
for (let elapsed = 0; elapsed < options.seconds * 1000; elapsed = performance.now() - began) {
  // After this process was paused it does not catch up at once: a larger burst would overflow a server's socket buffer.
  const due = Math.min(Math.floor((elapsed * rate) / 1000) - sent, 16 * BATCH);
  for (let i = 0; i < due; i += BATCH) {
    const batch: (Uint8Array | number | string)[] = [];
    for (let n = 0; n < Math.min(BATCH, due - i); n++, sent++) {
      batch.push(packets[sent % nodes]!, ports[(sent % nodes) % ports.length]!, "127.0.0.1");
    }
    socket.sendMany(batch);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Bun.sleep(1);
}
socket.close();
console.log(JSON.stringify({ sent, perSecond: (sent * 1000) / (performance.now() - began) }));
process.exit(0);
