// When a search ends, with servers whose answers the test gives.
import { expect, test } from "bun:test";
import { DiscoveryError } from "../../../src/client/index.ts";
import { Search } from "../../../src/syncthing/discoverer/search.ts";
import type { Answer, ServerLookups } from "../../../src/syncthing/discoverer/server-lookups.ts";
import type { DeviceAddresses } from "../../../src/syncthing/index.ts";

const FOUND: DeviceAddresses = { deviceId: "ID", addresses: ["tcp://192.0.2.7:22000"], via: "lan", seenAt: 0 };
const DOWN = new DiscoveryError("server", "down");

interface Server {
  readonly lookups: ServerLookups;
  answer(answer: Answer | Error): void;
  asked: number;
  signal: AbortSignal | undefined;
}

function serverOf(cached?: Answer, name = "server"): Server {
  const server: Server = {
    lookups: {
      name,
      cached: () => cached,
      ask: (_id: Uint8Array, _deviceId: string, signal: AbortSignal) => {
        server.asked++;
        server.signal = signal;
        return new Promise<Answer>((resolve, reject) => {
          server.answer = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
        });
      },
    } as unknown as ServerLookups,
    answer: () => {},
    asked: 0,
    signal: undefined,
  };
  return server;
}

function searchOf(lanUntil: number | undefined, ...servers: Server[]) {
  let ended = 0;
  const search = new Search({
    id: new Uint8Array(32),
    deviceId: "ID",
    servers: servers.map(({ lookups }) => lookups),
    lanUntil,
    onEnd: () => ended++,
  });
  const results: unknown[] = [];
  const onResult = (found: DeviceAddresses | undefined, error?: Error) => results.push(error ?? found);
  return { search, results, onResult, ended: () => ended, join: (fresh = false) => search.join(onResult, fresh) };
}

/** Lets promises settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("without the LAN a search ends when all servers have answered", async () => {
  const [a, b] = [serverOf(), serverOf()];
  const { results, join, ended } = searchOf(undefined, a, b);
  join();
  a.answer("unknown");
  await settle();
  expect(results).toEqual([]);
  b.answer(DOWN);
  await settle();
  expect(results).toEqual([undefined]);
  expect(ended()).toBe(1);
});

test("servers that have answered lately are not asked, but for a fresh lookup, which may join later", async () => {
  const [a, b] = [serverOf("unknown"), serverOf()];
  const { join } = searchOf(undefined, a, b);
  join();
  expect([a.asked, b.asked]).toEqual([0, 1]);
  join(true);
  expect([a.asked, b.asked]).toEqual([1, 1]);
});

test("a server that could not be asked is asked again for a lookup that joins while the LAN is waited for", async () => {
  const server = serverOf();
  const { results, join, search } = searchOf(0, server);
  join();
  join();
  expect(server.asked).toBe(1);
  server.answer(DOWN);
  await settle();
  expect(results).toEqual([]);
  search.join((found, error) => results.push(error ?? found), false);
  expect(server.asked).toBe(2);
  server.answer(FOUND);
  await settle();
  expect(results).toEqual([FOUND, FOUND]);
});

test("right after the start, a search waits for answers of the LAN although no server knows the device", async () => {
  const server = serverOf();
  const until = performance.now() + 50;
  const { results, join, search } = searchOf(until, server);
  join();
  server.answer("unknown");
  await settle();
  expect(results).toEqual([]);
  while (results.length === 0) await Bun.sleep(5);
  expect(results).toEqual([undefined]);
  expect(performance.now()).toBeGreaterThanOrEqual(until - 1);
  search.end(FOUND);
  expect(results).toEqual([undefined]);
});

test("later it does not wait for the LAN, unless no server can be asked", async () => {
  const [knowing, dead] = [serverOf(), serverOf()];
  const past = performance.now() - 1;
  const first = searchOf(past, knowing);
  first.join();
  knowing.answer("unknown");
  const second = searchOf(past, dead);
  second.join();
  dead.answer(DOWN);
  await settle();
  expect(first.results).toEqual([undefined]);
  expect(second.results).toEqual([]);
  expect(second.search.error).toBe(DOWN);
  second.search.end(FOUND);
  expect(second.results).toEqual([FOUND]);
});

test("a search without lookups that wait ends its requests", async () => {
  const server = serverOf();
  const { search, onResult, join, results, ended } = searchOf(undefined, server);
  join();
  search.leave(onResult);
  expect(server.signal?.aborted).toBe(true);
  server.answer(FOUND);
  await settle();
  expect(results).toEqual([]);
  expect(ended()).toBe(1);
});

test("when the time of a lookup is over, a server that has not answered counts as one that cannot be asked", async () => {
  const [a, b] = [serverOf(undefined, "a"), serverOf(undefined, "b")];
  const { search, join } = searchOf(undefined, a, b);
  join();
  expect(search.error).toBeUndefined();
  expect(search.errorAfter(5_000)?.message).toBe(
    "servers: a: no answer within 5 s (ETIMEDOUT); b: no answer within 5 s (ETIMEDOUT)",
  );
  a.answer(DOWN);
  await settle();
  expect(search.errorAfter(5_000)?.message).toBe("servers: server: down; b: no answer within 5 s (ETIMEDOUT)");
});

test("when the time of a lookup is over, a device is unknown if any server does not know it", async () => {
  const [a, b] = [serverOf(), serverOf()];
  const { search, join } = searchOf(undefined, a, b);
  join();
  a.answer("unknown");
  await settle();
  expect(search.errorAfter(5_000)).toBeUndefined();
});
