/**
 * Announces nodes to servers on 127.0.0.1 at a steady rate: `bun load.ts RATE SECONDS NODES PORT...`. Node n goes to server n
 * modulo their number. Prints a line of JSON.
 */
import { createCodec } from "../../src/codec/index.ts";
import { announcement } from "../packets.ts";

const BATCH = 32;
const [rate, seconds, nodes, ...ports] = process.argv.slice(2).map(Number) as [number, number, number, ...number[]];
const codec = createCodec();
const packets = Array.from({ length: nodes }, (_, n) => codec.encode(announcement(n)));
const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
let sent = 0;
const began = performance.now();
for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - began) {
  // After a pause that somebody else made, no faster than a socket's buffer is emptied.
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
