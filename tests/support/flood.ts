/**
 * Sends datagrams as fast as it can: `bun flood.ts PORT SECONDS garbage|load [NODES]`, to 127.0.0.1. Prints one line of JSON.
 *
 * `garbage` is random bytes, mutated packets and whole packets mixed; `load` queries and announcements of NODES nodes.
 */
import { announcement, ascii, mutate, query } from "./packets.ts";
import { Random } from "./random.ts";

const [port, seconds, kind, nodes = "500"] = process.argv.slice(2);
const random = new Random(7);
const BATCH = 64;
const VARIETY = 4096;

function packet(): Uint8Array {
  const id = ascii(`NODE-${random.below(Number(nodes))}-${"A".repeat(38)}`);
  const good = random.once(4) ? announcement(id, 1 + random.below(65535)) : query(id);
  if (kind === "load") return good;
  return random.once(2) ? random.bytes(random.below(1400)) : mutate(random, good);
}

let received = 0;
const sockets = await Promise.all(
  Array.from({ length: 8 }, (_, i) =>
    Bun.udpSocket({
      hostname: `127.9.0.${i + 1}`,
      socket: {
        data() {
          received++;
        },
        error() {},
      },
    }),
  ),
);
const batches = Array.from({ length: VARIETY / BATCH }, () =>
  Array.from({ length: BATCH }, () => [packet(), Number(port), "127.0.0.1"] as const).flat(),
);
let sent = 0;
const end = performance.now() + Number(seconds) * 1000;
for (let round = 0; performance.now() < end; round++) {
  try {
    sent += sockets[round % sockets.length]!.sendMany(batches[round % batches.length]!);
  } catch {
    // A full socket buffer, or an error of an earlier packet: the flood goes on.
  }
  if (round % 64 === 0) await Bun.sleep(0);
}
for (const socket of sockets) socket.close();
console.log(JSON.stringify({ sent, received }));
process.exit(0);
