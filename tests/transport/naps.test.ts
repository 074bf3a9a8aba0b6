/** Naps of packet threads, with a C library that only notes its calls. */
import { expect, test } from "bun:test";
import type { Libc } from "../../src/transport/libc.ts";
import { Naps } from "../../src/transport/naps.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Running } from "./transports.ts";

const FULL = 64;

function noted(us: number) {
  const calls: string[] = [];
  const call = {
    usleep: (time: number) => calls.push(`usleep ${time}`),
    prctl: (...args: number[]) => calls.push(`prctl ${args.join(" ")}`),
  };
  const naps = new Naps({ call } as unknown as Libc, us, FULL);
  return { naps, calls };
}

test("a thread naps after each batch that is not full", () => {
  const { naps, calls } = noted(300);
  calls.length = 0;
  for (const count of [1, 31, FULL - 1]) naps.after(count);
  expect(calls).toEqual(["usleep 300", "usleep 300", "usleep 300"]);
  naps.after(FULL);
  expect(calls.length).toBe(3);
});

test("naps are as long as they should be: the thread's timer slack is 1 us", () => {
  const PR_SET_TIMERSLACK = 29;
  expect(noted(50).calls).toEqual([`prctl ${PR_SET_TIMERSLACK} 1000 0 0 0`]);
});

test("a length of 0 means no naps, and leaves the thread as it is", () => {
  const { naps, calls } = noted(0);
  for (const count of [1, 31, FULL]) naps.after(count);
  expect(calls).toEqual([]);
});

testIf(process.platform === "linux", "needs Linux")("a server that naps answers all queries, and stops", async () => {
  await using server = await Running.open("mmsg", { coalesce: 2000 });
  await using client = await Client.open(server.port);
  client.send(announcement(ascii("A"), 1));
  for (let i = 0; i < 20; i++) {
    for (let k = 0; k < 10; k++) client.send(query(ascii("A")));
    expect(await client.receive()).toBeDefined();
  }
  server.stop();
  expect(await server.ended).toBeUndefined();
  expect(server.counters()).toMatchObject({ received: 201, verdicts: { answered: 200 } });
});
