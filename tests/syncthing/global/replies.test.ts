import { expect, test } from "bun:test";
import { readSeconds, readWhereabouts } from "../../../src/syncthing/global/reply.ts";
import { describeClient, ID } from "./runtime.ts";
import { reply, ScriptedServer } from "./scripted-server.ts";

/** Replies that are none of a discovery server, and the errors that they cause. */
const WRONG: Readonly<Record<string, readonly [text: string, error: string]>> = {
  html: [reply("200 OK", "<html>"), "its answer is not JSON: it may not be a discovery server"],
  empty: [reply("200 OK"), "its answer is not JSON: it may not be a discovery server"],
  object: [reply("200 OK", "{}"), "its answer has no list of addresses: it may not be a discovery server"],
  list: [reply("200 OK", "[]"), "its answer has no list of addresses: it may not be a discovery server"],
  nothing: [reply("200 OK", "null"), "its answer has no list of addresses: it may not be a discovery server"],
  text: [
    reply("200 OK", '{"addresses":"tcp://192.0.2.7:22000"}'),
    "its answer has no list of addresses: it may not be a discovery server",
  ],
  zipped: [
    reply("200 OK", "\x1f\x8b", ["Content-Encoding: gzip"]),
    "its answer is not JSON: it may not be a discovery server",
  ],
  long: [reply("200 OK", `{"addresses":["${"a".repeat(65_536)}"]}`), "its answer is longer than 64 KiB"],
  endless: [`HTTP/1.1 200 OK\r\n\r\n${" ".repeat(70_000)}`, "its answer is longer than 64 KiB"],
  notfound: [`HTTP/1.1 404 Not Found\r\n\r\n${" ".repeat(70_000)}`, "its answer is longer than 64 KiB"],
  headers: [`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`, "its answer is not HTTP: HPE_HEADER_OVERFLOW"],
  smtp: ["220 mail.example ESMTP\r\n", "its answer is not HTTP: HPE_INVALID_CONSTANT"],
  upgrade: [
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    "it wants to switch to another protocol",
  ],
  lengths: [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "its answer is not HTTP: HPE_UNEXPECTED_CONTENT_LENGTH",
  ],
};

/** Replies that end too early. */
const CUT: Readonly<Record<string, string>> = {
  before: "",
  within: "HTTP/1.1 200 OK\r\nContent-Le",
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"addresses":[]}',
  chunk: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"addresses":[]}',
};

/** Statuses with their headers, and the errors that a lookup and an announcement get. */
const STATUSES = [
  [
    "403 Forbidden",
    "it refuses the lookup (status 403)",
    "it got no certificate of this device: a proxy in front of it must pass that on (status 403)",
  ],
  ["429 Too Many Requests", "too many requests (status 429); try again in 120 s"],
  ["500 Internal Server Error", "the server has an error (status 500); try again in 120 s"],
  ["302 Found", "it redirects to another URL, which is not followed (status 302)"],
] as const;

describeClient("replies of discovery servers", (check) => {
  check("are errors if they are not what a discovery server replies", async ({ ask, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, { line }) => {
      socket.write(WRONG[/\/(\w+)/.exec(line)![1]!]![0]);
    });
    const url = scripted.url(`id=${server.deviceId}`);
    const results = await Promise.all(Object.keys(WRONG).map((path) => ask(url.replace("v2", path))));
    expect(results).toEqual(
      Object.values(WRONG).map(([, error]) => ({
        error: `DiscoveryError: 127.0.0.1:${scripted.port}: ${error}`,
        code: "BAD_REPLY",
      })),
    );
    expect(scripted.requests.length).toBe(results.length);
  });

  check("are errors if they end too early", async ({ ask, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, { line }) => {
      socket.end(CUT[/\/(\w+)/.exec(line)![1]!]!);
    });
    const url = scripted.url(`id=${server.deviceId}`);
    const results = await Promise.all(Object.keys(CUT).map((path) => ask(url.replace("v2", path))));
    expect(results.map(({ code }) => code)).toEqual(Array(4).fill("ECONNRESET"));
    expect(results[2]!.error).toEndWith(": it closed the connection before its answer was complete (ECONNRESET)");
  });

  check("are errors with another status than success and 404", async ({ run, own, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, { text }) => {
      const path = /\/(\d+)/.exec(text)![1]!;
      const status = STATUSES.find(([status]) => status.startsWith(path))![0];
      const wait = path === "429" || path === "500" ? ["Retry-After: 120"] : [];
      socket.write(reply(status, "<evil>\x1b[2J", ["Location: https://127.0.0.1:1/", ...wait]));
    });
    for (const [status, lookup, announcement = lookup] of STATUSES) {
      const url = scripted.url(`id=${server.deviceId}`).replace("v2", status.slice(0, 3));
      const [looked] = await run({ url, lookups: [ID] });
      const [announced] = await run({ url, identity: own, announce: ["tcp://192.0.2.7:22000"] });
      const expected = (error: string) => ({
        error: `DiscoveryError: 127.0.0.1:${scripted.port}: ${error}`,
        code: `HTTP_${status.slice(0, 3)}`,
        ...(error.includes("120") && { retryAfter: 120 }),
      });
      expect(looked).toEqual(expected(lookup));
      expect(announced).toEqual(expected(announcement));
    }
    // A redirect was not followed.
    expect(scripted.requests.length).toBe(2 * STATUSES.length);
  });

  check("say after how long to come again, within bounds", async ({ run, own, server }) => {
    let wait: string[] = [];
    await using scripted = await ScriptedServer.start(server, (socket, { line }) =>
      socket.write(reply(line.startsWith("POST") ? "204 No Content" : "404 Not Found", "", wait)),
    );
    const task = { url: scripted.url(`id=${server.deviceId}`), identity: own, announce: [], lookups: [ID] };
    const waits: unknown[] = [];
    for (const text of [undefined, "0", "300", "99999999999999999999", "-5", "soon"]) {
      wait = text === undefined ? [] : [`Retry-After: ${text}`, `Reannounce-After: ${text}`];
      const [announced, unknown] = await run(task);
      waits.push([unknown!.retryAfter, announced!.reannounceAfter]);
    }
    expect(waits).toEqual([
      [60, 1_800],
      [60, 60],
      [300, 300],
      [3_600, 5_400],
      [60, 1_800],
      [60, 1_800],
    ]);
  });
});

const NOW = Date.parse("2026-01-31T12:00:00Z");
const ADDRESS = "tcp://192.0.2.7:22000";

test("of the addresses in a reply, the URLs of printable ASCII count, each once", () => {
  const relay = "relay://192.0.2.9:22067/?id=AAAA&networkTimeout=2m0s";
  const evil = [
    "tcp://a\nb:1",
    "tcp://\x1b[2J",
    "tcp://ä.example:1",
    "192.0.2.7:22000",
    "",
    "tcp://",
    "a b://c:1",
    7,
    null,
  ];
  const long = `tcp://${"a".repeat(3_000)}`;
  const body = JSON.stringify({ addresses: [ADDRESS, ...evil, relay, long, ADDRESS] });
  expect(readWhereabouts(body, NOW)?.addresses).toEqual([ADDRESS, relay]);
  expect(readWhereabouts(JSON.stringify({ addresses: evil }), NOW)).toBeUndefined();
  expect(readWhereabouts('{"addresses":null}', NOW)).toBeUndefined();
  expect(readWhereabouts('{"addresses":[]}', NOW)).toBeUndefined();
});

test.each([
  ["2026-01-31T11:59:00Z", NOW - 60_000],
  ["2026-01-31T12:59:00.123456789+01:00", NOW - 60_000 + 123],
  ["2027-01-01T00:00:00Z", NOW],
  ["0001-01-01T00:00:00Z", NOW],
  ["yesterday", NOW],
  [undefined, NOW],
  [17, NOW],
])("a device that was seen %p was seen at %p", (seen, seenAt) => {
  expect(readWhereabouts(JSON.stringify({ seen, addresses: [ADDRESS] }), NOW)?.seenAt).toBe(seenAt);
});

test("a header that is no number of seconds counts as none", () => {
  const of = (text: string | string[]) => readSeconds({ "retry-after": text as string }, "retry-after", 60, 3_600);
  expect(["61", "1e3", " 61", "Wed, 21 Oct 2026 07:28:00 GMT", ""].map(of)).toEqual([61, ...Array(4).fill(undefined)]);
  expect(of(["61", "62"])).toBeUndefined();
});
