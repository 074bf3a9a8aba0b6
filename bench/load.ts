/**
 * A load of queries on 127.0.0.1: `bun load.ts PORT SECONDS NODES [preload]`. Keeps WINDOW queries outstanding over SOURCES
 * sockets with an address each, and prints one line of JSON. `preload` announces the nodes first.
 */
import { createCodec } from "../src/codec/index.ts";
import { announcement, query, Walk } from "./packets.ts";

const SOURCES = 16;
const WINDOW = 192;
/** A query not answered in this time is given up, and its place in the window with it. */
const LOST_MS = 20;

const [port, seconds, nodes, preload] = process.argv.slice(2).map((text, i) => (i < 3 ? Number(text) : text)) as [
  number,
  number,
  number,
  string | undefined,
];
const codec = createCodec();
let received = 0;
const sockets = await Promise.all(
  Array.from({ length: SOURCES }, (_, i) =>
    Bun.udpSocket({
      hostname: `127.1.0.${i + 1}`,
      socket: {
        data() {
          received++;
        },
        error() {},
      },
    }),
  ),
);

/** Sends all of `packets` from `source`; how many the kernel took. */
function send(source: number, packets: readonly Uint8Array[]): number {
  return sockets[source % SOURCES]!.sendMany(packets.flatMap((packet) => [packet, port, "127.0.0.1"]));
}

if (preload) {
  // Slowly: a server's receive buffer holds some hundred packets by default.
  for (let n = 0; n < nodes; n += 32) {
    send(
      n / 32,
      Array.from({ length: Math.min(32, nodes - n) }, (_, i) => codec.encode(announcement(n + i))),
    );
    await Bun.sleep(1);
  }
  await Bun.sleep(200);
}

const walk = new Walk(nodes);
const queries = Array.from({ length: 8192 }, () => codec.encode(query(walk.next())));
let sent = 0;
let replies = 0;
let lost = 0;
let next = 0;
/** How many had been sent at the last look, and when that was: what of these is not answered by the next look is lost. */
let sentByThen = 0;
let then = performance.now();
const start = performance.now();
const end = start + seconds * 1000;
for (let now = start; now < end; now = performance.now()) {
  replies += received;
  received = 0;
  if (now - then > LOST_MS) {
    lost = Math.max(lost, sentByThen - replies);
    sentByThen = sent;
    then = now;
  }
  for (let room = WINDOW - (sent - replies - lost); room >= 12; room -= 12) {
    sent += send(next / 12, queries.slice(next % 8160, (next % 8160) + 12));
    next += 12;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
const elapsed = (performance.now() - start) / 1000;
await Bun.sleep(5 * LOST_MS);
replies += received;
for (const socket of sockets) socket.close();
console.log(JSON.stringify({ sent, replies, perSecond: replies / elapsed }));
process.exit(0);
