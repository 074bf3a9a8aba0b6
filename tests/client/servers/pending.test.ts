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
  for (let i = 0; i < 100_000; i++) {
    add();
    expect(queue.peek()).toBeDefined();
    queue.drop();
  }
  Bun.gc(true);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
});

test("lookups that join a search late do not double the rate of its queries", async () => {
  const times: number[] = [];
  const silent = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data() {
        times.push(performance.now());
      },
      error() {},
    },
  });
  await using discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${silent.port}`] });
  void discoverer.lookup("NOBODY", { confirm: false }).catch(() => {});
  await until(() => times.length === 4, "four attempts");
  await Bun.sleep(200);
  const joined = performance.now();
  for (let i = 0; i < 5; i++) void discoverer.lookup("NOBODY", { confirm: false }).catch(() => {});
  await Bun.sleep(1_000);
  silent.close();
  // At 0, 250, 600 and 1,100 ms, and after the restart at once, after 250 and after 600 ms; all waits vary by 15 %. The next
  // attempt comes after 930 ms or later. Without the restart there would have been one 600 ms after the fourth.
  expect(times.filter((time) => time < joined + 850)).toHaveLength(7);
});

test("a query that is restarted while it is queued is sent once", async () => {
  let received = 0;
  const silent = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data: () => void received++, error() {} } });
  const quiet = { onError() {}, onRoom() {} };
  const link = new ServerLink(`127.0.0.1:${silent.port}`, quiet);
  const query = link.query("A", Uint8Array.of(65), false, ASKER);
  await until(() => received === 1, "the first attempt");
  for (let i = 0; i < 10; i++) {
    query.attempts = 3;
    link.restart(query, false);
  }
  await Bun.sleep(100);
  expect(received).toBe(2);
  // One chain of retries goes on, 250 ms after the last attempt.
  await Bun.sleep(250);
  expect(received).toBe(3);
  link.close();
  silent.close();
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
