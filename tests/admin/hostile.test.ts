/** Clients that are too many, too slow or broken harm neither the admin server nor the discovery server. */
import { expect, test } from "bun:test";
import { EventStreams, MAX_STREAMS } from "../../src/admin/events.ts";
import { OutputLines, start } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { until } from "../support/time-limits.ts";
import { Site } from "./site.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("streams beyond the most are refused until one ends; all have the same text", async () => {
  await using site = await Site.start();
  const open = () => site.connect("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const all = await Promise.all(Array.from({ length: MAX_STREAMS + 100 }, open));
  await until(() => all.every(({ text }) => text.includes("\r\n\r\n")), "all replies");
  const accepted = all.filter(({ text }) => text.startsWith("HTTP/1.1 200 OK\r\n"));
  const refused = all.filter(({ text }) => text.startsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  expect([accepted.length, refused.length]).toEqual([MAX_STREAMS, 100]);
  for (const { text } of refused) {
    expect(text).toContain("\r\nretry-after: 2\r\n");
    expect(text).toContain(
      `{"error":"${MAX_STREAMS} pages or programs follow this server already: close one, or read /api/stats"}`,
    );
  }
  const eventsOf = ({ text }: { text: string }) => text.split("\ndata: ").slice(1);
  // The next event is sent when all streams are open. The last part of a text may not be complete.
  const number = eventsOf(accepted[0]!).length;
  await until(() => eventsOf(accepted[0]!).length > number + 1, "another event");
  const event = eventsOf(accepted[0]!)[number]!;
  await until(() => accepted.every((stream) => eventsOf(stream).includes(event)), "the same event on each stream");

  accepted[0]!.socket.end();
  let another = await open();
  await until(() => another.text.includes("\r\n\r\n"), "a reply");
  while (!another.text.startsWith("HTTP/1.1 200 OK\r\n")) {
    another = await open();
    await until(() => another.text.includes("\r\n\r\n"), "a reply");
  }

  // All of them are open when the server stops.
  const start = performance.now();
  await site.admin.stop();
  await until(() => accepted.every(({ closed }) => closed), "the end of all streams");
  expect(performance.now() - start).toBeLessThan(30_000);
});

test("a client that does not wait for replies gets one, and is cut off", async () => {
  await using site = await Site.start();
  const one = await site.connect("GET /api/stats HTTP/1.1\r\nHost: foreign.example\r\n\r\n".repeat(200));
  await until(() => one.closed, "the end of the connection");
  expect(one.text.split("HTTP/1.1 ").length - 1).toBeLessThanOrEqual(1);
});

test("a stream that is not read is cut off, and the others go on", async () => {
  let made = 0;
  const streams = new EventStreams(() => bytes(`event ${made++}`));
  const slow = streams.open()!;
  const live = streams.open()!.getReader();
  let error: Error | undefined;
  const read: string[] = [];
  const reading = (async () => {
    for (let part = await live.read(); !part.done; part = await live.read()) {
      read.push(new TextDecoder().decode(part.value));
    }
  })();
  await until(() => made >= 5, "five events");
  await slow
    .getReader()
    .read()
    .catch((cause: Error) => {
      error = cause;
    });
  expect(error?.message).toBe("the client reads too slowly");
  expect(read.length).toBeGreaterThanOrEqual(4);
  streams.close();
  await reading;
});

test("no event is made while there is no stream", async () => {
  let made = 0;
  const streams = new EventStreams(() => bytes(`${made++}`));
  const stream = streams.open()!;
  await until(() => made === 2, "a second event");
  await stream.cancel();
  const last = streams.open()!;
  streams.close();
  expect((await Array.fromAsync(last)).length).toBe(2);
  const before = made;
  await Bun.sleep(1100);
  expect(made).toBe(before);
});

test("broken and huge requests are refused, half ones wait, and others are answered meanwhile", async () => {
  await using site = await Site.start();
  const half = await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      site.connect("GET /api/stats HTTP/1.1\r\nHost: localhost\r\n".slice(0, i % 40)),
    ),
  );
  const huge = await site.connect(`GET / HTTP/1.1\r\nHost: localhost\r\nx: ${"y".repeat(1 << 20)}\r\n\r\n`);
  const body = await site.connect(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n`);
  const garbage = await site.connect(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) & 0xff));
  const noHost = await site.connect("GET / HTTP/1.1\r\n\r\n");
  const twoHosts = await site.connect("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n");
  for (let i = 0; i < 20; i++) expect((await site.get("/api/stats")).status).toBe(200);
  const answers = [huge, body, garbage, noHost, twoHosts];
  await until(() => answers.every(({ text }) => text !== ""), "answers");
  expect(answers.map(({ text }) => text.slice(9, 12))).toEqual(["431", "413", "400", "400", "403"]);
  expect(half.every(({ text }) => text === "")).toBe(true);
});

test("a flood of requests shares few readings of the statistics", async () => {
  await using site = await Site.start();
  const texts = await Promise.all(Array.from({ length: 200 }, () => site.get("/api/stats").then((it) => it.text())));
  // Four readings a second at most.
  expect(new Set(texts).size).toBeLessThan(200 / 4);
});

testIf(process.platform === "linux", "needs Linux")(
  "connections that take all file descriptors are closed, and the page comes back",
  async () => {
    const by = ["sh", "-c", 'ulimit -n 120; exec "$@"', "sh"];
    const child = start(["server", "--host", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0"], { by });
    const out = new OutputLines(child.stdout);
    const url = /http:\S+/.exec(await out.next(/the live page is at/))![0];
    await out.next(/listens on udp/);
    let closed = 0;
    const socket = {
      data() {},
      error() {},
      close() {
        closed++;
      },
    };
    const port = Number(new URL(url).port);
    await Promise.all(Array.from({ length: 200 }, () => Bun.connect({ hostname: "127.0.0.1", port, socket })));
    expect(await out.next(/WRN/)).toContain("too many files are open, so all connections to the live page were closed");
    await out.next(/the live page is served again/);
    await until(() => closed === 200, "the end of all connections");
    expect((await fetch(`${url}healthz`)).status).toBe(200);
    child.kill();
    expect(await child.exited).toBe(0);
    await out.end;
    // One warning, however often it happened.
    expect(out.lines.filter((line) => line.includes("WRN") && line.includes("too many files")).length).toBe(1);
  },
);
