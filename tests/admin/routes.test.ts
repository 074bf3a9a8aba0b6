/** Each path of the admin server: status, headers and shape of the reply. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import {
  AdminServer,
  type HistoryReply,
  type LimitedReply,
  type NodeReply,
  type ReadyReply,
  type StatsEvent,
  type StatsReply,
} from "../../src/admin/index.ts";
import { type DiscoveryServer, type Limited, type NodeInfo, ServerError } from "../../src/server/index.ts";
import { announcement, ascii } from "../support/packets.ts";
import { until } from "../support/time-limits.ts";
import { logged, Site, withMethods } from "./site.ts";

let site: Site;
beforeAll(async () => {
  site = await Site.start();
});
afterAll(() => site[Symbol.asyncDispose]());

const PATHS = ["/", "/healthz", "/readyz", "/metrics", "/api/stats", "/api/limited", "/api/history", "/api/nodes/x"];

async function errorOf(path: string): Promise<[number, string]> {
  const response = await site.get(path);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const body = (await response.json()) as Record<string, string>;
  expect(Object.keys(body)).toEqual(["error"]);
  return [response.status, body.error!];
}

test("every reply forbids scripts and frames of other sites, and is not stored", async () => {
  for (const path of [...PATHS, "/nonsense", "/api/nodes/hex:1"]) {
    const { headers } = await site.get(path);
    expect(headers.get("content-security-policy"), path).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cache-control")).toBe(path === "/" ? "no-cache" : "no-store");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  }
});

test("HEAD gives the headers of GET without the body; other methods are refused", async () => {
  for (const path of PATHS) {
    const [get, head] = [await site.get(path), await site.get(path, {}, "HEAD")];
    expect([head.status, await head.text()], path).toEqual([get.status, ""]);
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect(head.headers.get("content-security-policy")).toBe(get.headers.get("content-security-policy"));
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await site.get(path, {}, method);
      expect([response.status, response.headers.get("allow")], `${method} ${path}`).toEqual([405, "GET, HEAD"]);
      expect(await response.json()).toEqual({ error: "only GET and HEAD are allowed" });
    }
  }
  const stream = await site.get("/api/events", {}, "HEAD");
  expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
});

test("unknown paths are not found", async () => {
  for (const path of ["/nonsense", "/api", "/api/", "/api/nodes", "/healthz/", "/constructor", "/api/stats/x"]) {
    expect(await errorOf(path)).toEqual([404, "there is no such path: docs/admin.md lists all"]);
  }
  expect((await site.get("/nonsense", {}, "POST")).status).toBe(404);
});

test("/healthz and /readyz answer that it works", async () => {
  expect(await (await site.get("/healthz")).text()).toBe("ok\n");
  const ready = await site.get("/readyz");
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ ready: true, reason: null } satisfies Partial<ReadyReply>);
});

test("/api/stats has the statistics of the server", async () => {
  const stats = await site.json<StatsReply>("/api/stats");
  expect(stats).toMatchObject({
    capacity: 1000,
    ready: true,
    transport: "udp",
    listening: [`127.0.0.1:${site.server.port}`],
  });
  expect(Date.parse(stats.at) - Date.parse(stats.startedAt)).toBeLessThan(60_000);
  expect(stats.perWorker.map(({ number }) => number)).toEqual(stats.perWorker.map((_, i) => i + 1));
  expect(stats.limits).toEqual({
    sourceRate: 250,
    sourceBurst: 300,
    nodeRate: 100_000,
    nodeBurst: 100_000,
    newRate: 2,
    newBurst: 1000,
    dryRun: false,
  });
  // Every value that the system may not report is there, as null.
  expect(stats).toHaveProperty("kernelDrops");
  expect(stats).toHaveProperty("receiveQueue");
  for (const worker of stats.perWorker) expect(worker).toHaveProperty("cpuSeconds");
});

test("/api/stats and /api/limited have what the server reports", async () => {
  const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  const stats = { ...site.server.stats(), uptime: 3600 };
  const options = { ...site.server.options, limitDryRun: true, transport: "mmsg", newRate: 7 };
  const key = { network: "192.0.2.0/24", nodeId: undefined, stopped: 1, rate: 1, since: 0, dryRun: true } as const;
  const reported = {
    options,
    port: 22025,
    addresses: ["192.0.2.1", "2001:db8::1"],
    stats: () => stats,
    problems: () => [{ code: "unsent", severity: "error", text: "replies", since: 1000 }],
    limited: () => [{ ...key, kind: "network", limit: "new", option: "newRate" }],
  };
  admin.watch(withMethods(site.server, reported as unknown as Partial<DiscoveryServer>));
  const get = async (path: string) => (await fetch(new URL(path, admin.url))).json();
  const reply = (await get("/api/stats")) as StatsReply;
  expect(reply).toMatchObject({
    listening: ["192.0.2.1:22025", "[2001:db8::1]:22025"],
    transport: "mmsg",
    problems: [{ code: "unsent", severity: "error", text: "replies", since: "1970-01-01T00:00:01.000Z" }],
  });
  expect([reply.limits.newRate, reply.limits.dryRun]).toEqual([7, true]);
  expect(Date.parse(reply.at) - Date.parse(reply.startedAt)).toBe(3_600_000);
  expect(reply.process.cpuSeconds).toBeGreaterThan(0);
  expect(reply.process.residentBytes).toBeGreaterThan(10e6);
  expect(await get("/api/limited")).toMatchObject({ limited: [{ kind: "network", flag: "--new-rate", dryRun: true }] });
  await admin.stop();
});

test("/api/history gets an interval every ten seconds, until the stop", async () => {
  const timers = spyOn(globalThis, "setInterval");
  const cleared = spyOn(globalThis, "clearInterval");
  const { now } = performance;
  try {
    const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
    const stats = { ...site.server.stats(), nodes: 77 };
    admin.watch(withMethods(site.server, { stats: () => stats }));
    const index = timers.mock.calls.findIndex(([, ms]) => ms === 10_000);
    performance.now = () => now.call(performance) + 10_000;
    (timers.mock.calls[index]![0] as () => void)();
    const history = (await (await fetch(new URL("/api/history", admin.url))).json()) as HistoryReply;
    expect(history.nodes.slice(358)).toEqual([null, 77]);
    await admin.stop();
    expect(cleared.mock.calls.map(([timer]) => timer as unknown)).toContain(timers.mock.results[index]!.value);
  } finally {
    performance.now = now;
    timers.mockRestore();
    cleared.mockRestore();
  }
});

test("/api/history has 360 intervals of 10 seconds", async () => {
  const history = await site.json<HistoryReply>("/api/history");
  expect(history.interval).toBe(10);
  expect(Math.abs(Date.parse(history.until) - Date.now())).toBeLessThan(60_000);
  for (const list of [history.verdicts, history.nodes, history.journalLag, history.kernelDrops]) {
    expect(list.length).toBe(360);
  }
});

describe("/api/nodes/ID", () => {
  const NODE: NodeInfo = {
    nodeId: ascii("näh/%?"),
    ip: "192.0.2.1",
    port: 7,
    announcedAt: 0,
    expiresAt: 3.6e6,
    confirmed: true,
    fromJournal: false,
    authenticated: true,
  };

  test("finds a node by its text, percent-encoded, and by hex", async () => {
    const asked: string[] = [];
    await using other = await Site.start();
    const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
    const node = (nodeId: Uint8Array) => {
      asked.push(nodeId.toHex());
      return NODE;
    };
    admin.watch(withMethods(other.server, { node }));
    const ids = ["n%C3%A4h%2F%25%3F", "näh/%25%3F", "hex:6EC3a4682F253f", "h", "hex:00"];
    const deviceId = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD";
    const mistyped = deviceId.replace("MFZ", "MFY");
    for (const id of [...ids, deviceId, deviceId.toLowerCase().replaceAll("-", "%20"), mistyped]) {
      const response = await fetch(new URL(`/api/nodes/${id}`, admin.url));
      expect(await response.json()).toEqual({
        nodeId: { text: "näh/%?", hex: "6ec3a4682f253f" },
        ip: "192.0.2.1",
        port: 7,
        announcedAt: "1970-01-01T00:00:00.000Z",
        expiresAt: "1970-01-01T01:00:00.000Z",
        confirmed: true,
        fromJournal: false,
        authenticated: true,
      } satisfies NodeReply);
    }
    const ofDevice = ascii("MFZWI3DBONSGYYLTMRWGC43ENRQXGZDMMFZWI3DBONSGYYLTMRWA").toHex();
    expect(asked).toEqual([
      ...new Array(3).fill("6ec3a4682f253f"),
      ...["68", "00", ofDevice, ofDevice, ascii(mistyped).toHex()],
    ]);
    await admin.stop();
  });

  test("finds a node that was announced", async () => {
    const client = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
    client.send(announcement(ascii("REAL"), 4711), site.server.port, "127.0.0.1");
    await until(() => site.server.node(ascii("REAL")) !== undefined, "the node");
    client.close();
    const node = await site.json<NodeReply>("/api/nodes/REAL");
    expect(node).toMatchObject({
      ip: "127.0.0.1",
      port: 4711,
      confirmed: false,
      fromJournal: false,
      authenticated: false,
    });
    expect(Date.parse(node.expiresAt) - Date.parse(node.announcedAt)).toBeWithin(3_599_000, 3_601_000);
  });

  test("says that a node is unknown", async () => {
    expect(await errorOf("/api/nodes/nobody")).toEqual([404, "the server does not know this node"]);
    expect(await errorOf(`/api/nodes/hex:${"ab".repeat(1008)}`)).toEqual([404, "the server does not know this node"]);
  });

  test("says that it should be asked again while a worker is stuck in the node's part of the registry", async () => {
    await using other = await Site.start();
    const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
    const node = () => {
      throw new ServerError("try again", "busy");
    };
    admin.watch(withMethods(other.server, { node }));
    const response = await fetch(new URL("/api/nodes/x", admin.url));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await response.json()).toEqual({ error: "try again" });
    await admin.stop();
  });

  test("says why an ID is none", async () => {
    expect(await errorOf("/api/nodes/")).toEqual([400, "a NodeID has 1 to 1008 bytes, not 0"]);
    expect(await errorOf("/api/nodes/hex:")).toEqual([400, "a NodeID has 1 to 1008 bytes, not 0"]);
    expect(await errorOf(`/api/nodes/${"x".repeat(1009)}`)).toEqual([400, "a NodeID has 1 to 1008 bytes, not 1009"]);
    for (const id of ["hex:1", "hex:zz", "hex:0x00"]) {
      expect(await errorOf(`/api/nodes/${id}`)).toEqual([400, "after hex: there must be pairs of hex digits"]);
    }
    for (const id of ["%ff", "%C3%28", "%e0%a4%"]) {
      expect((await errorOf(`/api/nodes/${id}`))[1]).toContain("write a NodeID of other bytes as hex:");
    }
  });
});

test("/api/limited and the event have what a limit stops, with its flag", async () => {
  const key: Limited = {
    kind: "node",
    network: undefined,
    nodeId: ascii("\x80"),
    limit: "node",
    option: "nodeRate",
    stopped: 9,
    rate: 0.5,
    since: 0,
    dryRun: false,
  };
  const limited = () => [
    { ...key, nodeId: Uint8Array.of(0x80) },
    { ...key, kind: "source" as const, network: "192.0.2.1/32", nodeId: undefined, option: "sourceRate" as const },
  ];
  await using other = await Site.start();
  const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  admin.watch(withMethods(other.server, { limited }));
  const expected = [
    {
      kind: "node",
      network: null,
      nodeId: { text: null, hex: "80" },
      limit: "node",
      flag: "--node-rate",
      stopped: 9,
      rate: 0.5,
      since: "1970-01-01T00:00:00.000Z",
      dryRun: false,
    },
    { kind: "source", network: "192.0.2.1/32", nodeId: null, flag: "--source-rate" },
  ];
  const reply = (await (await fetch(new URL("/api/limited", admin.url))).json()) as LimitedReply;
  expect(reply.limited).toMatchObject(expected as never);
  expect(reply.limited[1]).not.toHaveProperty("option");
  const metrics = await (await fetch(new URL("/metrics", admin.url))).text();
  expect(metrics).toContain('whereabouts_limited_keys{kind="node",limit="node"} 1\n');
  expect(metrics).not.toContain("192.0.2.1");
  await admin.stop();
});

test("/api/events sends the statistics at once and then every second", async () => {
  const connection = await site.connect("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => connection.text.split("event: stats\n").length === 4, "three events");
  connection.socket.end();
  expect(connection.text).toContain("\r\nContent-Type: text/event-stream\r\n");
  expect(connection.text).toContain("retry: 2000\n\n");
  const events = [...connection.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as StatsEvent);
  const times = events.map(({ stats }) => Date.parse(stats.at));
  expect(times[1]! - times[0]!).toBeGreaterThan(900);
  expect(events.at(-1)!.stats.ready).toBe(true);
  expect(events[0]!.limited).toEqual([]);
  expect(Object.keys(events[0]!.stats)).toEqual(Object.keys(await site.json<object>("/api/stats")));
});

test("the page comes with or without compression, and not again if the browser has it", async () => {
  const plain = await fetch(site.url, { headers: { "accept-encoding": "gzip;q=0, br" }, decompress: false });
  const gzip = await fetch(site.url, { headers: { "accept-encoding": "br, gzip" }, decompress: false });
  expect([plain.headers.get("content-encoding"), gzip.headers.get("content-encoding")]).toEqual([null, "gzip"]);
  // A proxy must not give the compressed page to a client without gzip.
  expect([plain.headers.get("vary"), gzip.headers.get("vary")]).toEqual(["accept-encoding", "accept-encoding"]);
  const text = await plain.text();
  expect(text).toStartWith("<!doctype html>");
  expect(new TextDecoder().decode(Bun.gunzipSync(await gzip.arrayBuffer()))).toBe(text);
  const etag = plain.headers.get("etag")!;
  const again = await site.get("/", { "if-none-match": etag });
  expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
});

test("while the server starts or stops it is healthy but not ready, with the reason", async () => {
  const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  const get = (path: string) => fetch(new URL(path, admin.url));
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/")).status).toBe(200);
  const starting = await get("/readyz");
  expect([starting.status, await starting.json()]).toEqual([
    503,
    { ready: false, reason: "the server is starting: it reads its journal and opens its sockets", checks: [] },
  ]);
  for (const path of ["/metrics", "/api/stats", "/api/limited", "/api/history", "/api/events", "/api/nodes/x"]) {
    const response = await get(path);
    expect([response.status, response.headers.get("retry-after")], path).toEqual([503, "2"]);
    expect(await response.json()).toEqual({
      error: "the server is starting: it reads its journal and opens its sockets",
    });
  }
  admin.watch(site.server);
  expect((await get("/readyz")).status).toBe(200);
  admin.stopping();
  const stopping = await get("/readyz");
  expect([stopping.status, await stopping.json()]).toEqual([
    503,
    { ready: false, reason: "the server is stopping", checks: [] },
  ]);
  expect((await get("/api/stats")).status).toBe(200);
  await admin.stop();

  // A signal may come while the server still starts.
  const stopped = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  stopped.stopping();
  stopped.watch(site.server);
  expect(await (await fetch(new URL("/readyz", stopped.url))).json()).toEqual({
    ready: false,
    reason: "the server is stopping",
    checks: [],
  });
  await stopped.stop();
});

test("until the first check has ended, statistics and metrics say that the server is not ready", async () => {
  const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  admin.watch(withMethods(site.server, { readiness: () => new Promise(() => {}) }));
  const get = (path: string) => fetch(new URL(path, admin.url));
  expect(await (await get("/api/stats")).json()).toMatchObject({ ready: false });
  expect(await (await get("/metrics")).text()).toContain("\nwhereabouts_ready 0\n");
  await admin.stop();
});

test("a check that fails is the reason why the server is not ready", async () => {
  const checks = [
    { name: "sockets" as const, ok: true, text: "bound" },
    { name: "probe" as const, ok: false, text: "no answer within 1 s" },
  ];
  const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  admin.watch(withMethods(site.server, { readiness: async () => ({ ready: false, checks }) }));
  const response = await fetch(new URL("/readyz", admin.url));
  expect([response.status, await response.json()]).toEqual([
    503,
    { ready: false, reason: "no answer within 1 s", checks },
  ]);
  expect(await (await fetch(new URL("/metrics", admin.url))).text()).toContain("\nwhereabouts_ready 0\n");
  expect(((await (await fetch(new URL("/api/stats", admin.url))).json()) as StatsReply).ready).toBe(false);
  await admin.stop();
});

test("a request that fails is answered with status 500, and logged once", async () => {
  const lines = await logged(async () => {
    const admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
    const limited = () => {
      throw new Error("{broken}");
    };
    admin.watch(withMethods(site.server, { limited }));
    for (let i = 0; i < 3; i++) {
      for (const path of ["/api/limited", "/metrics", "/api/events"]) {
        const response = await fetch(new URL(path, admin.url));
        expect([response.status, await response.json()], path).toEqual([
          500,
          { error: "this request failed; the log of the server has the reason" },
        ]);
      }
    }
    await fetch(new URL("/healthz", admin.url));
    await admin.stop();
  });
  expect(lines.filter((line) => /failed|again/.test(line))).toEqual([
    "warning: a request to the admin address failed: {broken}",
    expect.stringMatching(/^info: requests are answered again, after /),
  ]);
});
