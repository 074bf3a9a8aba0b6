// Slow and hostile clients, at a small scale. Each is closed, and honest clients are served.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:http2";
import type { ConnectionCounters, RequestCounters } from "../../../../src/syncthing/directory/counters.ts";
import { testIf } from "../../../support/needs.ts";
import { type ClientCertificate, hasOpenssl, makeCertificate, NEEDS_OPENSSL } from "../certificates.ts";
import { sendHttp1, sendHttp2 } from "../requests.ts";
import {
  connectOnly,
  connectTls,
  END_HEADERS,
  END_STREAM,
  field,
  fields,
  frame,
  NO_WINDOW,
  preface,
  type RawClient,
} from "./client.ts";
import { TlsSite } from "./site.ts";

const ANNOUNCEMENT = JSON.stringify({ addresses: ["tcp://192.0.2.7:22000"] });
const HEAD = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n";
const POST_HEAD = "POST /v2/ HTTP/1.1\r\nHost: localhost\r\n";
/** So short that tests are fast, and so long that an honest request ends within it. */
const TIMEOUT_MS = 2_000;

let device: ClientCertificate;
let site: TlsSite;

beforeAll(async () => {
  if (hasOpenssl) device = await makeCertificate();
});

async function expectHonestAnswers(): Promise<void> {
  for (const send of [sendHttp1, sendHttp2]) expect(await send(`${site.url}/ping`)).toMatchObject({ status: 204 });
}

/** Sends something again and again until the connection is closed. */
async function repeat(
  { socket, closed }: RawClient,
  next: () => Uint8Array | string,
  everyMs = TIMEOUT_MS / 10,
): Promise<void> {
  const timer = setInterval(() => socket.write(next()), everyMs);
  await closed;
  clearInterval(timer);
}

/** A request of HTTP/2 without a body. */
function get(stream: number): Buffer {
  return frame("HEADERS", END_STREAM | END_HEADERS, stream, fields("GET", "/v2/"));
}

interface SlowClient {
  readonly title: string;
  readonly needsCertificate?: boolean;
  /** Ends when the server has closed the connection. */
  readonly run: (port: number) => Promise<void>;
  readonly connections?: Partial<ConnectionCounters>;
  readonly requests?: Partial<RequestCounters>;
}

const SLOW_CLIENTS: SlowClient[] = [
  {
    title: "a connection without a handshake",
    run: async (port) => (await connectOnly(port)).closed,
    connections: { handshakes: 0, failedHandshakes: 1, slow: 0 },
  },
  {
    title: "a handshake that stops",
    run: async (port) => {
      const client = await connectOnly(port);
      // The begin of a ClientHello.
      client.socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
      await client.closed;
    },
    connections: { handshakes: 0, failedHandshakes: 1, slow: 0 },
  },
  {
    title: "a connection without a request: HTTP/1.1",
    run: async (port) => (await connectTls(port, "http/1.1")).closed,
  },
  { title: "a connection without a request: HTTP/2", run: async (port) => (await connectTls(port, "h2")).closed },
  {
    title: "a connection without another request: HTTP/1.1",
    run: async (port) => {
      const client = await connectTls(port, "http/1.1");
      client.socket.write(`${HEAD}\r\n`);
      await client.closed;
    },
    connections: { slow: 0, idle: 1 },
    requests: { "not-found": 1 },
  },
  {
    title: "a connection without another request: HTTP/2",
    run: async (port) => {
      const client = await connectTls(port, "h2");
      client.socket.write(Buffer.concat([preface(), get(1)]));
      await client.closed;
    },
    connections: { slow: 0, idle: 1 },
    requests: { "not-found": 1 },
  },
  {
    title: "a head that comes line by line",
    run: async (port) => {
      const client = await connectTls(port, "http/1.1");
      client.socket.write(HEAD);
      await repeat(client, () => "X: y\r\n");
    },
    requests: { "not-found": 0 },
  },
  {
    title: "a body that comes byte by byte: HTTP/1.1",
    needsCertificate: true,
    run: async (port) => {
      const client = await connectTls(port, "http/1.1", device);
      client.socket.write(`${POST_HEAD}Content-Length: 1000\r\n\r\n`);
      await repeat(client, () => " ");
    },
    requests: { aborted: 1 },
  },
  {
    title: "a body that comes byte by byte, while other requests of its connection are answered: HTTP/2",
    needsCertificate: true,
    run: async (port) => {
      const client = await connectTls(port, "h2", device);
      client.socket.write(Buffer.concat([preface(), frame("HEADERS", END_HEADERS, 1, fields("POST", "/v2/"))]));
      let stream = 1;
      await repeat(client, () => {
        stream += 2;
        return Buffer.concat([get(stream), frame("DATA", 0, 1, Buffer.from(" "))]);
      });
    },
    requests: { aborted: 1 },
  },
  {
    title: "a client that lets the server send no replies: HTTP/2",
    run: async (port) => {
      const client = await connectTls(port, "h2");
      client.socket.write(preface(NO_WINDOW));
      let stream = -1;
      await repeat(client, () => {
        stream += 2;
        return get(stream);
      });
    },
  },
];

describe("slow clients", () => {
  const runs = new Map<string, { readonly site: TlsSite; readonly ended: Promise<void> }>();

  // All at the same time, since each one waits.
  beforeAll(async () => {
    for (const { title, needsCertificate, run } of SLOW_CLIENTS) {
      if (needsCertificate === true && !hasOpenssl) continue;
      const slowSite = await TlsSite.open({ timeoutMs: TIMEOUT_MS });
      runs.set(title, { site: slowSite, ended: run(slowSite.listener.port) });
    }
  });

  for (const { title, needsCertificate = false, connections, requests } of SLOW_CLIENTS) {
    testIf(!needsCertificate || hasOpenssl, NEEDS_OPENSSL)(`${title} is closed after the time limit`, async () => {
      const { site: slowSite, ended } = runs.get(title)!;
      await ended;
      const expected = { handshakes: 1, failedHandshakes: 0, slow: 1, idle: 0, open: 0, ...connections };
      expect(slowSite.listener.connections).toMatchObject(expected);
      expect(slowSite.listener.requests).toMatchObject(requests ?? {});
      site = slowSite;
      await expectHonestAnswers();
      await slowSite[Symbol.asyncDispose]();
    });
  }
});

describe("hostile clients", () => {
  beforeEach(async () => {
    site = await TlsSite.open();
  });

  afterEach(async () => {
    await expectHonestAnswers();
    await site[Symbol.asyncDispose]();
  });

  test.each(["GET / HTTP/1.1\r\n\r\n", "\0".repeat(100)])("bytes that are no handshake: %j", async (text) => {
    const client = await connectOnly(site.listener.port);
    client.socket.write(text);
    await client.closed;
    expect(site.listener.connections).toMatchObject({ handshakes: 0, failedHandshakes: 1, invalid: 0 });
  });

  test.each([
    ["no HTTP", "garbage\r\n\r\n", "400 Bad Request"],
    ["a header of 10 KB", `${HEAD}X: ${"a".repeat(10_000)}\r\n\r\n`, "431 Request Header Fields Too Large"],
    ["a header of 1 MB", `${HEAD}X: ${"a".repeat(1_000_000)}\r\n\r\n`, "431 Request Header Fields Too Large"],
    ["many headers", `${HEAD}${"X: y\r\n".repeat(100_000)}\r\n`, "431 Request Header Fields Too Large"],
    ["a long URL", `GET /?${"a".repeat(1_000_000)} HTTP/1.1\r\n\r\n`, "431 Request Header Fields Too Large"],
  ])("%s: HTTP/1.1", async (_title, text, status) => {
    const client = await connectTls(site.listener.port, "http/1.1");
    client.socket.write(text);
    await client.closed;
    // The reply may be lost if the client was still sending.
    expect(["", `HTTP/1.1 ${status}`]).toContain(client.received.toString().split("\r\n")[0]!);
    expect(site.listener.connections).toMatchObject({ handshakes: 1, failedHandshakes: 0, invalid: 1 });
  });

  test("requests without an end, and no reply is read: HTTP/1.1", async () => {
    const client = await connectTls(site.listener.port, "http/1.1");
    client.socket.pause();
    client.socket.write(`${HEAD}\r\n`.repeat(10_000));
    while (site.listener.connections.invalid === 0) await Bun.sleep(5);
    expect(site.listener.requests["not-found"]).toBeLessThan(1_000);
    client.socket.destroy();
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)("many requests at once are answered in their order: HTTP/1.1", async () => {
    const client = await connectTls(site.listener.port, "http/1.1", device);
    const body = JSON.stringify({ addresses: ["tcp://192.0.2.7:22000"] });
    const post = `${POST_HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;
    const round = `GET /ping HTTP/1.1\r\nHost: a\r\n\r\n${post}${HEAD}\r\n`;
    client.socket.write(`${round.repeat(30)}${HEAD}Connection: close\r\n\r\n`);
    await client.closed;
    const statuses = [...client.received.toString().matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status!);
    expect(statuses).toEqual([...Array.from({ length: 30 }, () => ["204", "204", "404"]).flat(), "404"]);
  });

  test("no HTTP: HTTP/2", async () => {
    const client = await connectTls(site.listener.port, "h2");
    client.socket.write("garbage ".repeat(10));
    await client.closed;
    expect(site.listener.connections.invalid).toBe(1);
  });

  test("a head without end: HTTP/2", async () => {
    const client = await connectTls(site.listener.port, "h2");
    client.socket.write(Buffer.concat([preface(), frame("HEADERS", 0, 1, fields("GET", "/v2/"))]));
    const more = frame("CONTINUATION", 0, 1, field("x", "a".repeat(15_000)));
    for (let i = 0; i < 100; i++) client.socket.write(more);
    await client.closed;
    expect(site.listener.connections.invalid).toBe(1);
  });

  // Bun closes it: it allows a thousand at once, and then 33 per second.
  test("a connection whose requests are all cancelled is closed: HTTP/2", async () => {
    const client = await connectTls(site.listener.port, "h2");
    client.socket.write(preface());
    let stream = 1;
    const cancel = Buffer.from([0, 0, 0, 8]);
    for (let i = 0; i < 5_000; i++, stream += 2) {
      client.socket.write(frame("HEADERS", END_HEADERS, stream, fields("POST", "/v2/")));
      client.socket.write(frame("RST_STREAM", 0, stream, cancel));
    }
    await client.closed;
    expect(site.listener.connections.invalid).toBe(1);
  });

  test("a connection is closed after a hundred refusals in a row: HTTP/1.1", async () => {
    const client = await connectTls(site.listener.port, "http/1.1");
    const refused = HEAD.replace("GET", "PUT");
    // One that is served in between.
    const [few, many] = [99, 200].map((count) => `${refused}\r\n`.repeat(count));
    client.socket.write(`${few}${HEAD}\r\n`);
    await client.receives("HTTP/1.1 404");
    client.socket.write(many!);
    await client.closed;
    expect(site.listener.requests).toMatchObject({ "not-found": 1, "bad-method": 199 });
    expect(site.listener.connections).toMatchObject({ invalid: 1, open: 0 });
  });

  test("a connection is closed after a hundred refusals in a row: HTTP/2", async () => {
    const client = await connectTls(site.listener.port, "h2");
    client.socket.write(preface());
    let stream = 1;
    // Fewer than may be open at once.
    await repeat(
      client,
      () => {
        const streams = Array.from({ length: 30 }, (_, i) => stream + 2 * i);
        stream += 60;
        return Buffer.concat(
          streams.map((number) => frame("HEADERS", END_STREAM | END_HEADERS, number, fields("POST", "/v2/"))),
        );
      },
      20,
    );
    expect(site.listener.requests).toMatchObject({ "no-certificate": 100 });
    expect(site.listener.connections).toMatchObject({ invalid: 1, open: 0 });
  });

  testIf(Bun.which("ss") !== null, "needs ss, of iproute2")("connections have small receive buffers", async () => {
    const client = await connectTls(site.listener.port, "http/1.1");
    const { port } = site.listener;
    const ss = Bun.spawnSync(["ss", "-Htm", "state", "established", "sport", "=", `:${port}`]).stdout.toString();
    expect(ss).toContain(",rb32768,");
    client.socket.destroy();
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)("a body whose length is too long is refused before it comes", async () => {
    const client = await connectTls(site.listener.port, "http/1.1", device);
    client.socket.write(`${POST_HEAD}Content-Length: 65537\r\n\r\n`);
    await client.closed;
    expect(client.received.toString()).toStartWith("HTTP/1.1 413 ");
    expect(site.listener.requests["too-long"]).toBe(1);
    // It was closed after the reply, not for its slowness.
    expect(site.listener.connections).toMatchObject({ slow: 0, idle: 0, open: 0 });
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)("a body that is too long is not read to its end", async () => {
    const client = await connectTls(site.listener.port, "http/1.1", device);
    client.socket.write(`${POST_HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    await repeat(client, () => chunk);
    expect(site.listener.requests["too-long"]).toBe(1);
    // It was closed after the reply, not for its slowness.
    expect(site.listener.connections).toMatchObject({ slow: 0, idle: 0, open: 0 });
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)("a body that is too long ends its stream, and no other: HTTP/2", async () => {
    const session = connect(site.url, { rejectUnauthorized: false, cert: device.cert, key: device.key });
    const stream = session.request({ ":method": "POST", ":path": "/v2/" });
    const status = new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
    const closed = new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode)));
    // It does not end.
    stream.write(" ".repeat(70_000));
    stream.resume();
    expect(await status).toBe(413);
    expect(await closed).toBe(0);
    const other = session.request({ ":path": "/ping" });
    expect(await new Promise((resolve) => other.on("response", (headers) => resolve(headers[":status"])))).toBe(204);
    expect(site.listener.connections).toMatchObject({ slow: 0, idle: 0, open: 1 });
    session.destroy();
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)(
    "more streams than allowed are refused, and do not end the others: HTTP/2",
    async () => {
      const client = await connectTls(site.listener.port, "h2", device);
      client.socket.write(preface());
      for (let i = 0; i < 40; i++)
        client.socket.write(frame("HEADERS", END_HEADERS, 1 + 2 * i, fields("POST", "/v2/")));
      // REFUSED_STREAM of the last one.
      await client.receives(frame("RST_STREAM", 0, 79, Buffer.from([0, 0, 0, 7])).toString("latin1"));
      expect(site.listener.connections.open).toBe(1);
      client.socket.destroy();
    },
  );
});

test("if there are too many connections, the one that was idle longest is closed, and the new one is served", async () => {
  site = await TlsSite.open({ connections: 3 });
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await connectTls(site.listener.port, "http/1.1"));
  clients[0]!.socket.write(`${HEAD}\r\n`);
  await clients[0]!.receives("Not Found\n");
  await expectHonestAnswers();
  await clients[1]!.closed;
  expect(site.listener.connections.crowded).toBeGreaterThanOrEqual(1);
  clients[0]!.socket.write(`${HEAD.replace("/v2/", "/ping")}\r\n`);
  await clients[0]!.receives("204 No Content");
  await site[Symbol.asyncDispose]();
});

testIf(hasOpenssl, NEEDS_OPENSSL)(
  "close ends idle connections at once, while it waits for a request in progress",
  async () => {
    site = await TlsSite.open();
    const { port } = site.listener;
    const stored = Promise.withResolvers<"new">();
    const begun = Promise.withResolvers<void>();
    site.directory.announce = () => {
      begun.resolve();
      return stored.promise;
    };
    const answer = sendHttp1(`${site.url}/v2/`, { method: "POST", body: ANNOUNCEMENT, certificate: device });
    await begun.promise;
    const idle = [await connectOnly(port), await connectTls(port, "http/1.1"), await connectTls(port, "h2")];
    const closed = site.listener.close();
    await Promise.all(idle.map((client) => client.closed));
    await expect(connectTls(port, "http/1.1")).rejects.toThrow();
    stored.resolve("new");
    expect(await answer).toMatchObject({ status: 204 });
    await closed;
    expect(site.listener.connections.open).toBe(0);
  },
);

describe.each([
  ["HTTP/1.1", sendHttp1],
  ["HTTP/2", sendHttp2],
] as const)("close over %s", (_version, send) => {
  testIf(hasOpenssl, NEEDS_OPENSSL)("a request in progress is answered before the listener closes", async () => {
    site = await TlsSite.open();
    const stored = Promise.withResolvers<"new">();
    const begun = Promise.withResolvers<void>();
    site.directory.announce = () => {
      begun.resolve();
      return stored.promise;
    };
    const answer = send(`${site.url}/v2/`, { method: "POST", body: ANNOUNCEMENT, certificate: device });
    await begun.promise;
    const closed = site.listener.close();
    stored.resolve("new");
    expect(await answer).toMatchObject({ status: 204 });
    await closed;
    expect(site.listener.connections.open).toBe(0);
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)("a request that does not end does not keep the listener open", async () => {
    site = await TlsSite.open();
    const begun = Promise.withResolvers<void>();
    site.directory.announce = () => {
      begun.resolve();
      return new Promise(() => {});
    };
    const answer = send(`${site.url}/v2/`, { method: "POST", body: ANNOUNCEMENT, certificate: device });
    const failed = answer.catch(() => "failed");
    await begun.promise;
    await site.listener.close();
    expect(await failed).toBe("failed");
  });
});
