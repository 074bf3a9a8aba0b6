import { expect, test } from "bun:test";
import { Discoverer } from "../../../src/client/index.ts";
import { Fifo } from "../../../src/client/servers/fifo.ts";
import { ServerLink } from "../../../src/client/servers/link.ts";
import { PendingQuery } from "../../../src/client/servers/pending.ts";
import { RETRY_WAITS, retryWait } from "../../../src/client/servers/waits.ts";
import { until } from "../../support/time-limits.ts";

const ASKER = { onReply() {}, onUnreachable() {} };

test("a queue that is never empty frees the entries that were taken", () => {
  const queue = new Fifo<PendingQuery>();
  const add = () => queue.push(new PendingQuery({} as ServerLink, "", new Uint8Array(2000), false, ASKER));
  add();
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let taken = 0;
  for (let i = 0; i < 100_000; i++) {
    add();
    taken += queue.peek() === undefined ? 0 : 1;
    queue.drop();
  }
  expect(taken).toBe(100_000);
  Bun.gc(true);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
});

/** A server that never answers, and the times at which packets have come. */
async function silentServer() {
  const times: number[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: () => void times.push(performance.now()), error() {} },
  });
  return { times, port: socket.port, [Symbol.dispose]: () => socket.close() };
}

/**
 * Waits for the attempts of one search from `start` on: at once, and after 250, 600 and 1,100 ms. A wait is up to 15.5 % shorter, and on a
 * busy machine any longer. With the attempts of another search among them, the last of them would come too early.
 */
async function expectOneSearch(times: readonly number[], before: number, start: number): Promise<void> {
  await until(() => times.length >= before + 4, "four attempts");
  const [, second, third, fourth] = times.slice(before).map((time) => time - start);
  expect(second).toBeGreaterThan(250 * 0.84);
  expect(third).toBeGreaterThan(600 * 0.84);
  expect(fourth).toBeGreaterThan(1_100 * 0.84);
}

test("lookups that join a search late do not double the rate of its queries", async () => {
  using silent = await silentServer();
  const { times, port } = silent;
  await using discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${port}`] });
  void discoverer.lookup("NOBODY", { confirm: false }).catch(() => {});
  // The fifth attempt would come 600 ms after the fourth, were there no restart in between.
  await until(() => times.length >= 4, "four attempts");
  await Bun.sleep(200);
  // For packets that have come, but have not been read yet.
  await new Promise((resolve) => setImmediate(resolve));
  const before = times.length;
  const joined = performance.now();
  for (let i = 0; i < 5; i++) void discoverer.lookup("NOBODY", { confirm: false }).catch(() => {});
  await expectOneSearch(times, before, joined);
});

test("a query that is restarted while it is queued is sent once", async () => {
  using silent = await silentServer();
  const { times, port } = silent;
  const link = new ServerLink(`127.0.0.1:${port}`, { onError() {}, onRoom() {} });
  const query = link.query("A", Uint8Array.of(65), false, ASKER);
  await until(() => times.length >= 1, "the first attempt");
  const before = times.length;
  const restarted = performance.now();
  for (let i = 0; i < 10; i++) {
    query.attempts = 3;
    link.restart(query, false);
  }
  await expectOneSearch(times, before, restarted);
  link.close();
});

test("the waits between attempts vary, by 15 % either way, and not in step with a limit of one packet in 10 ms", () => {
  for (const [attempt, wait] of RETRY_WAITS.entries()) {
    const waits = Array.from({ length: 2_000 }, () => retryWait(attempt));
    expect(Math.min(...waits) / wait).toBeLessThanOrEqual(0.85);
    expect(Math.max(...waits) / wait).toBeGreaterThanOrEqual(1.15);
    expect(new Set(waits.map((ms) => Math.round(ms) % 10)).size).toBeGreaterThanOrEqual(5);
    // Few different ones: each has a queue.
    expect(new Set(waits).size).toBeLessThanOrEqual(11);
  }
});
