/**
 * Opens and closes Lans, and prints what they leave open. Their sockets and timers are unref'd, so that the program ends by
 * itself proves little: descriptors and timers are counted.
 */
import { readdirSync } from "node:fs";
import { encodeAnnouncement } from "../../../src/client/codec.ts";
import { Group } from "../../../src/client/group.ts";
import { Lan } from "../../../src/client/lan/lan.ts";
import { nodeIdKey } from "../../../src/client/node-id.ts";
import { DEFAULT_TIMINGS } from "../../../src/client/options.ts";
import { ascii } from "../../support/packets.ts";

const nodeId = ascii("CLOSED");
const announcement = encodeAnnouncement(nodeId, 22000);
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
  clearTimeout(timer: NodeJS.Timeout) {
    timers.delete(timer);
    clearTimeout(timer);
  },
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let events = 0;
let timersWhileOpen = 0;
async function open(interval = 10, signal?: AbortSignal): Promise<Lan> {
  const count = () => void events++;
  return await new Lan({
    port: 21025,
    interfaces: undefined,
    announcement,
    group: new Group(undefined),
    ownKey: nodeIdKey(nodeId),
    timings: { ...DEFAULT_TIMINGS, lanInterval: 2 * interval, lanRetention: 5 * interval, interfaces: interval },
    onEvent: count,
    onError: count,
    onAnnounced: count,
    signal,
  }).open();
}

async function openAndClose(interval?: number): Promise<void> {
  const lan = await open(interval);
  await sleep(30);
  timersWhileOpen = timers.size;
  lan.close();
  lan.close();
  void lan.announce();
}

await openAndClose();
const before = descriptors();
for (let i = 0; i < 5; i++) await openAndClose();
// Its timer would fire only after half a minute.
await openAndClose(30_000);
const eventsBefore = events;
const controller = new AbortController();
const aborted = open(10, controller.signal).catch((reason: unknown) => reason);
controller.abort("the reason");
await aborted;
await sleep(100);
console.log(
  JSON.stringify({
    descriptors: descriptors() - before,
    timers: timers.size,
    timersWhileOpen,
    heard: eventsBefore > 0,
    afterwards: events - eventsBefore,
    aborted: await aborted,
  }),
);
