/** Opens and closes Lans; prints what they leave. Ends by itself, if they leave nothing that keeps a program running. */
import { readdirSync } from "node:fs";
import { Lan } from "../../../src/client/lan/lan.ts";
import { nodeIdKey } from "../../../src/client/node-id.ts";
import { DEFAULT_TIMINGS } from "../../../src/client/options.ts";
import { createCodec } from "../../../src/codec/index.ts";
import { ascii } from "../../support/packets.ts";

const nodeId = ascii("CLOSED");
const announcement = createCodec().encode({ type: "announcement", nodeId, port: 22000, ip: new Uint8Array(0) });
const descriptors = () => readdirSync("/proc/self/fd").length;

let told = 0;
async function once(interval = 10): Promise<void> {
  const count = () => void told++;
  const lan = await Lan.open({
    port: 21025,
    announcement,
    ownKey: nodeIdKey(nodeId),
    timings: { ...DEFAULT_TIMINGS, lanInterval: 2 * interval, lanRetention: 5 * interval, interfaces: interval },
    onEvent: count,
    onError: count,
    onAnnounced: count,
  });
  await Bun.sleep(30);
  lan.close();
  lan.close();
  lan.announce();
}

await once();
const before = descriptors();
for (let i = 0; i < 5; i++) await once();
// A timer of this one would keep the program for half a minute.
await once(30_000);
const toldBefore = told;
await Bun.sleep(100);
console.log(
  JSON.stringify({ descriptors: descriptors() - before, heard: toldBefore > 0, afterwards: told - toldBefore }),
);
