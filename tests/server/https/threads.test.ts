import { expect, mock, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createEngineMemory, defaultEngineOptions } from "../../../src/engine/index.ts";
import { createThreadCounters } from "../../../src/server/https/counters.ts";
import type { Devices } from "../../../src/server/https/devices.ts";
import { createDeviceMemory } from "../../../src/syncthing/devices/index.ts";
import * as start from "../../../src/threads/start.ts";
import { Device } from "../../support/device.ts";
import { Folder } from "../../support/folder.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** The threads that were started. */
const threads: Worker[] = [];
const { startThread } = start;
mock.module("../../../src/threads/start.ts", () => ({
  ...start,
  startThread: (...args: Parameters<typeof startThread>) => {
    const thread = startThread(...args);
    if (args[0] === "server/https/worker.ts") threads.push(thread);
    return thread;
  },
}));

/** The nice values of all threads of this process. */
function niceValues(): number[] {
  return readdirSync("/proc/self/task").map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  });
}

test("a thread that ends is replaced, and the counters go on", async () => {
  const { DiscoveryServer } = await import("../../../src/server/index.ts");
  using folder = new Folder();
  const files = { httpsCert: folder.at("cert.pem"), httpsKey: folder.at("key.pem") };
  const options = { host: "127.0.0.1", port: 0, capacity: 1000, https: "127.0.0.1:0", ...files };
  await using server = await DiscoveryServer.start(options);
  const { url } = server.https!;
  const device = new Device();
  await device.announce(url, "tcp://192.0.2.7:22000");
  await until(() => server.stats().https.requests.new === 1, "the counters");
  const count = threads.length;
  expect(server.stats().https).toMatchObject({ threads: count, replaced: 0 });
  // Packets must not wait for requests.
  expect(niceValues().filter((nice) => nice === 10).length).toBeGreaterThanOrEqual(count);
  expect(niceValues()).toContain(0);
  for (const thread of [...threads]) thread.terminate();
  await until(() => server.stats().https.replaced === count && server.stats().https.threads === count, "new threads");
  expect(threads).toHaveLength(2 * count);
  expect(server.https!.url).toBe(url);
  expect(await device.addresses(url)).toEqual(["tcp://192.0.2.7:22000"]);
  await until(() => server.stats().https.requests.found === 1, "the requests");
  await until(() => server.stats().https.handshakes === 2, "the handshakes");
  expect(server.stats().https.requests.new).toBe(1);
});

test("a thread that cannot start tells why", async () => {
  const { DirectoryThread } = await import("../../../src/server/https/thread.ts");
  const start = {
    engineMemory: createEngineMemory({ ...defaultEngineOptions(), capacity: 100 }),
    lane: 0,
    deviceMemory: createDeviceMemory(10),
    missMemory: new SharedArrayBuffer(4),
    counters: createThreadCounters(),
    epoch: 0,
    unverified: false,
    https: undefined,
    http: undefined,
  };
  const thread = new DirectoryThread(start, undefined as unknown as Devices, () => {});
  await expect(thread.listening).rejects.toThrow("the memory of a miss table must have");
  thread.end();
});
