/**
 * Sends COUNT datagrams to a port of this host: `bun flood.ts PORT COUNT`. None of them is an announcement; with a third
 * argument, all are announcements of another group.
 */
import { announcement, ascii, mutate, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

const [port, count] = process.argv.slice(2, 4).map(Number);
const foreign = process.argv[4] !== undefined;
const random = new Random(7);
const BATCH = 64;

function packet(): Uint8Array {
  if (foreign) return announcement(ascii(`flood/${random.below(100_000)}`), 22000);
  const valid = query(ascii(`NODE-${random.below(500)}`));
  if (random.once(3)) return valid;
  return random.once(2) ? random.bytes(random.below(200)) : mutate(random, valid);
}

const batches = Array.from({ length: 64 }, () =>
  Array.from({ length: BATCH }, () => [packet(), port!, "127.0.0.1"] as const).flat(),
);
const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { error() {} } });
let sent = 0;
for (let round = 0; sent < count!; round++) {
  try {
    sent += socket.sendMany(batches[round % batches.length]!);
  } catch {}
  if (round % 64 === 0) await Bun.sleep(0);
}
console.log(sent);
process.exit(0);
