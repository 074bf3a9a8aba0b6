/**
 * Opens and closes Lans, and prints what they leave open. Their sockets and timers are unref'd, so that the program ends by
 * itself proves little: descriptors and timers are counted.
 */
import { readdirSync } from "node:fs";
import { Group } from "../../../src/client/group.ts";
import { Lan } from "../../../src/client/lan/lan.ts";
import { nodeIdKey } from "../../../src/client/node-id.ts";
import { DEFAULT_TIMINGS } from "../../../src/client/options.ts";
import { createCodec } from "../../../src/codec/index.ts";
import { ascii } from "../../support/packets.ts";

const nodeId = ascii("CLOSED");
const announcement = createCodec().encode({ type: "announcement", nodeId, port: 22000, ip: new Uint8Array(0) });
const descriptors = () => readdirSync("/proc/self/fd").length;

/** Timers that have neither fired nor been cleared. */
const timers = new Set<unknown>();
const { setTimeout, clearTimeout } = globalThis;
Object.assign(globalThis, {
  setTimeout(callback: () => void, ms: number) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      callback();
    }, ms);
    timers.add(timer);
    return timer;
  },
  clearTimeout(timer: Timer) {
    timers.delete(timer);
    clearTimeout(timer);
  },
});

let events = 0;
let timersWhileOpen = 0;
async function openAndClose(interval = 10): Promise<void> {
  const count = () => void events++;
  const lan = await Lan.open({
    port: 21025,
    announcement,
    group: new Group(undefined),
    ownKey: nodeIdKey(nodeId),
    timings: { ...DEFAULT_TIMINGS, lanInterval: 2 * interval, lanRetention: 5 * interval, interfaces: interval },
    onEvent: count,
    onError: count,
    onAnnounced: count,
  });
  await Bun.sleep(30);
  timersWhileOpen = timers.size;
  lan.close();
  lan.close();
  lan.announce();
}

await openAndClose();
const before = descriptors();
for (let i = 0; i < 5; i++) await openAndClose();
// Its timer would fire only after half a minute.
await openAndClose(30_000);
const eventsBefore = events;
await Bun.sleep(100);
console.log(
  JSON.stringify({
    descriptors: descriptors() - before,
    timers: timers.size,
    timersWhileOpen,
    heard: eventsBefore > 0,
    afterwards: events - eventsBefore,
  }),
);
