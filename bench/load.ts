/**
 * A load of queries on 127.0.0.1: `bun load.ts PORT SECONDS NODES [preload]`. Keeps WINDOW queries outstanding over SOURCES
 * sockets with an address each, and prints one line of JSON. `preload` announces the nodes first.
 */
import { createCodec } from "../src/codec/index.ts";
import { announcement, nodeOf, query, Walk } from "./packets.ts";

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
/** While nodes are announced: which of them the server answers for. */
let known = preload ? new Uint8Array(nodes) : undefined;
const sockets = await Promise.all(
  Array.from({ length: SOURCES }, (_, i) =>
    Bun.udpSocket({
      hostname: `127.1.0.${i + 1}`,
      socket: {
        data(_socket, reply) {
          received++;
          if (known !== undefined) known[nodeOf(reply, 12)] = 1;
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

/** Announces the nodes that the server does not answer for yet, slowly: its receive buffer may hold some hundred packets only. */
async function announce(known: Uint8Array): Promise<boolean> {
  for (let n = 0, source = 0; n < nodes; source++) {
    const chunk: number[] = [];
    for (; n < nodes && chunk.length < 32; n++) if (!known[n]) chunk.push(n);
    if (chunk.length === 0) continue;
    send(
      source,
      chunk.flatMap((node) => [codec.encode(announcement(node)), codec.encode(query(node))]),
    );
    await Bun.sleep(1);
  }
  await Bun.sleep(100);
  return known.every((there) => there);
}

const ROUNDS = 20;
if (known !== undefined) {
  let rounds = 0;
  while (!(await announce(known)) && ++rounds < ROUNDS);
  if (rounds === ROUNDS) throw new Error("the server does not answer for all the nodes that were announced to it");
  known = undefined;
  received = 0;
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
