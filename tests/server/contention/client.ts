/**
 * Announces and queries a few nodes from many sources: `bun client.ts PORT SECONDS SEED`. Other processes do the
 * same with the same nodes. The announced port is computed from the source address, so a reply shows whether its port and its
 * IP come from the same announcement. Goes on for longer if it has few replies, as on a busy machine. Prints one line of JSON.
 */
import { announcement, ascii, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

const [port, seconds, seed] = process.argv.slice(2).map(Number) as [number, number, number];
const SOURCES = 60;
const BATCH = 32;
const LEAST_ANSWERS = 1000;
const LIMIT_MS = 30_000;
const random = new Random(seed);
let sent = 0;
let answered = 0;
let mixed = 0;

function portOf(ip: Uint8Array): number {
  return 1 + ((ip[1]! * 251 + ip[2]! * 17 + ip[3]! * 7) % 65_535);
}

const sources = await Promise.all(
  Array.from({ length: SOURCES }, async () => {
    const ip = Uint8Array.of(127, 1 + random.below(250), random.below(250), 1 + random.below(250));
    const socket = await Bun.udpSocket({
      hostname: ip.join("."),
      socket: {
        data(_socket, reply) {
          answered++;
          if (((reply[4]! << 8) | reply[5]!) !== portOf(reply.subarray(reply.length - 4))) mixed++;
        },
        error() {},
      },
    });
    return { ip, socket };
  }),
);

const end = performance.now() + seconds * 1000;
while (performance.now() < end || (answered < LEAST_ANSWERS && performance.now() < end + LIMIT_MS)) {
  const { ip, socket } = random.pick(sources);
  const packets = Array.from({ length: BATCH }, () => {
    // Other NodeIDs every 200 ms, so that entries expire all the time.
    const id = ascii(`NODE-${Math.floor(Date.now() / 200) % 3}-${random.below(12)}`);
    return [random.once(2) ? query(id) : announcement(id, portOf(ip)), port, "127.0.0.1"] as const;
  });
  try {
    sent += socket.sendMany(packets.flat());
  } catch {
    // The error belongs to an earlier packet.
  }
  // Lets the event loop receive replies.
  await Bun.sleep(0);
}
await Bun.sleep(200);
console.log(JSON.stringify({ sent, answered, mixed }));
process.exit(0);
