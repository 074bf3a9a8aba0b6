// The command `whereabouts status`: against a stand-in for an admin server, and against a real server.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { LimitedKey, StatsReply } from "../../src/admin/api.ts";
import { adminUrl, type State } from "../../src/cli/status/admin-client.ts";
import { renderStatus, statusLine, type View } from "../../src/cli/status/render.ts";
import { COLORED, PLAIN } from "../../src/cli/terminal/style.ts";
import { makeSelfSigned } from "../../src/syncthing/directory/self-signed.ts";
import { describeCommand, OutputLines, run, start, type TerminalCommand } from "../support/command.ts";
import { noHttpsStats } from "../support/https-stats.ts";
import { lastingPort } from "../support/ports.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const ESC = "\x1b";
const TOKEN = "a-token-of-the-test";
const WRONG_TOKEN = "the server does not accept this token: it must be the one of its --admin-token";
const ELSEWHERE = "something else answers there, not an admin server of this version of whereabouts";

function statsReply(change: Partial<StatsReply> = {}): StatsReply {
  const worker = { running: true, engine: "wasm" as const, heartbeats: 1, silence: 0, replaced: 0 };
  const histogram = { bounds: [], counts: [0], sum: 0 };
  return {
    version: "9.9.9",
    startedAt: "2026-01-30T12:00:00.000Z",
    at: "2026-01-31T12:00:00.000Z",
    ready: true,
    problems: [],
    listening: ["192.0.2.1:22025", "[::1]:22025"],
    transport: "mmsg",
    xdp: null,
    kernelDrops: 3,
    receiveQueue: 0,
    process: { residentBytes: 123e6, cpuSeconds: 7 },
    limits: { sourceRate: 1, sourceBurst: 1, nodeRate: 1, nodeBurst: 1, newRate: 1, newBurst: 1, dryRun: false },
    received: 12_000,
    verdicts: { answered: 10_000, unknown: 2000 } as StatsReply["verdicts"],
    dryRun: { "limited-source": 0, "limited-node": 0, "limited-new": 0 },
    displaced: 0,
    unsent: 0,
    socketErrors: 0,
    nodes: 812_345,
    capacity: 1_000_000,
    https: noHttpsStats(),
    workers: 2,
    perWorker: [
      { ...worker, number: 1, received: 11_000, cpuSeconds: 5 },
      { ...worker, number: 2, received: 1000, cpuSeconds: null, running: false },
    ],
    replaced: 1,
    uptime: 100_000,
    batches: histogram,
    limiter: [],
    journal: {
      where: "redis://localhost:6379/0",
      read: true,
      restored: 0,
      devicesRestored: 0,
      devicesNoRoom: 0,
      restoreSeconds: 0,
      appended: 0,
      merged: 0,
      noRoom: 0,
      ahead: 0,
      bad: 0,
      errors: 4,
      lag: 2.5,
      appends: histogram,
    },
    ...change,
  };
}

const LIMITED: LimitedKey = {
  kind: "source",
  network: "192.0.2.7/32",
  nodeId: null,
  limit: "queries",
  flag: "--source-rate",
  stopped: 1234,
  rate: 20.4,
  since: "2026-01-31T11:55:00.000Z",
  dryRun: false,
};

const PROBLEM = {
  code: "registry-full" as const,
  severity: "error" as const,
  text: "the registry is full: 1000000 of 1000000 nodes; raise --capacity",
  since: "2026-01-31T11:55:00.000Z",
};

function state(change: Partial<State> = {}): State {
  return { stats: statsReply(), readiness: { ready: true, reason: null, checks: [] }, limited: [], ...change };
}

describe("the text", () => {
  const view: View = {
    columns: 80,
    rows: 24,
    now: NOW,
    style: PLAIN,
    where: "127.0.0.1:22080",
    state: state({ limited: [LIMITED] }),
    before: state({
      stats: statsReply({ uptime: 99_998, received: 2000, verdicts: { answered: 9990, unknown: 1999 } as never }),
    }),
  };

  test("has readiness, figures, packets per second, limited keys and workers", () => {
    expect(renderStatus(view)).toEqual([
      "whereabouts 9.9.9 at 127.0.0.1:22080 is ready, up 1 d 3 h",
      "listening  192.0.2.1:22025, [::1]:22025, transport mmsg",
      "registry   812,345 of 1,000,000 nodes (81.2 %)",
      "journal    redis://localhost:6379/0: 2.5 s behind, 4 errors",
      "workers    2 running, 0 bytes wait for them; 1 replaced",
      "process    123 MB, 7 s of processor time",
      "",
      "Limited now",
      "              by             per second  last minute    for",
      "192.0.2.7/32  --source-rate          20        1,234  5 min",
      "",
      "                       per second  since the start",
      "packets                     5,000           12,000",
      "  answered                    5.0           10,000",
      "  unknown                     0.5            2,000",
      "dropped by the kernel           0                3",
      "",
      "worker  per second  packets  processor",
      "1 wasm           0   11,000        0 %",
      "2 wasm           0    1,000          -  not running",
    ]);
  });

  test("has devices and requests of Syncthing if the server serves them, or knows devices from the journal", () => {
    const none = noHttpsStats();
    const requests = { ...none.requests, found: 90, "not-found": 10, new: 1, known: 4, limited: 3, ping: 50 };
    const https = { ...none, devices: 2360, capacity: 5000, addresses: 7080, threads: 2, connections: 1, requests };
    const lines = (https: StatsReply["https"]) =>
      renderStatus({ ...view, columns: 200, state: state({ stats: statsReply({ https }) }) });
    expect(lines(https)[3]).toBe(
      "syncthing  2,360 of 5,000 devices; a second 50 look-ups, 2.5 announcements, 1.5 refused; 7,080 addresses, 1 connection",
    );
    expect(lines({ ...none, devices: 3 })[3]).toBe("syncthing  3 of 100,000 devices, from the journal");
    expect(statusLine({ ...view, state: state({ stats: statsReply({ https }) }) })).toContain(
      "812345 of 1000000 nodes  2360 of 5000 devices  54 requests/s  journal",
    );
  });

  test("starts with what is wrong, in words, in as many lines as they need", () => {
    const readiness = {
      ready: false,
      reason: null,
      checks: [{ name: "probe" as const, ok: false, text: "no answer" }],
    };
    const stats = statsReply({ problems: [PROBLEM] });
    const lines = renderStatus({ ...view, columns: 50, state: state({ readiness, stats }) });
    expect(lines.slice(0, 5)).toEqual([
      "whereabouts 9.9.9 at 127.0.0.1:22080 is not ready,",
      "  up 1 d 3 h",
      "! probe: no answer",
      "! the registry is full: 1000000 of 1000000 nodes;",
      "  raise --capacity",
    ]);
  });

  test("has a line for the interface of the transport xdp", () => {
    const xdp = { interface: "eth0", mode: "native", queues: 4, problem: null, damaged: 7, dropped: 0 } as const;
    const shown = (served: number) => {
      const stats = statsReply({ transport: "xdp", xdp: { ...xdp, served, received: 9000, sent: 8000 } });
      const earlier = { ...stats, uptime: stats.uptime - 2, xdp: { ...xdp, served, received: 1000, sent: 1000 } };
      return renderStatus({ ...view, state: state({ stats }), before: state({ stats: earlier }) }).slice(1, 3);
    };
    expect(shown(3)).toEqual([
      "listening  192.0.2.1:22025, [::1]:22025, transport xdp",
      "interface  eth0 (native, 3 of 4 queues); a second 4,000 in, 3,500 out; 7 damaged",
    ]);
    expect(shown(0)[1]).toStartWith("interface  eth0 (not served); a second ");
  });

  test("tells that the server starts, cannot be reached, or was restarted", () => {
    const starts = state({ stats: undefined, readiness: { ready: false, reason: "it starts", checks: [] } });
    expect(renderStatus({ ...view, state: starts })).toEqual(["127.0.0.1:22080 is not ready", "! it starts"]);
    const error = { message: "nothing listens on that port", since: NOW - 12_000 };
    expect(renderStatus({ ...view, state: undefined, error })).toEqual([
      "127.0.0.1:22080 is not reachable for 12 s: nothing listens on that port",
      "Tries again every second.",
    ]);
    expect(renderStatus({ ...view, error }).slice(0, 4)).toEqual([
      "whereabouts 9.9.9 at 127.0.0.1:22080 is not reachable for 12 s: nothing listens",
      "  on that port",
      "Tries again every second. Its last figures:",
      "listening  192.0.2.1:22025, [::1]:22025, transport mmsg",
    ]);
    const restarted = (ago: number) => renderStatus({ ...view, restartedAt: NOW - ago })[1];
    expect(restarted(5000)).toBe("The server was restarted 5 s ago.");
    expect(restarted(61_000)).toStartWith("listening");
  });

  test("escapes NodeIDs and all other text of the server", () => {
    const evil = "\x1b[2J\u202e\n";
    const nodeIds = [
      { text: evil, hex: "1b5b324a" },
      { text: null, hex: "ff" },
      { text: "NODE-A", hex: "00" },
    ];
    const stats = statsReply({
      version: evil,
      listening: [evil],
      transport: evil,
      xdp: {
        ...{ interface: evil, mode: evil as "native", queues: 2, served: 1, problem: evil },
        ...{ received: 1, sent: 1, damaged: 1, dropped: 1 },
      },
      problems: [{ ...PROBLEM, text: evil }],
    });
    const checks = [{ name: "probe" as const, ok: false, text: evil }];
    const limited = nodeIds.map((nodeId) => ({ ...LIMITED, network: null, nodeId, flag: evil }));
    const shown = {
      ...view,
      rows: 99,
      state: state({ stats, limited, readiness: { ready: false, reason: null, checks } }),
    };
    const text = renderStatus(shown).join("|");
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    for (const id of ["0x1b5b324a", "0xff", "NODE-A"]) expect(text).toContain(`|${id} `);
    expect(statusLine(shown)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("fits any terminal, and shows how many limited keys there are beyond", () => {
    const limited = Array.from({ length: 50 }, (_, i) => ({ ...LIMITED, network: `192.0.2.${i}/32` }));
    const wide = statsReply({ problems: [PROBLEM, PROBLEM], listening: ["x".repeat(300)] });
    for (const columns of [1, 2, 10, 39, 80, 200, Number.POSITIVE_INFINITY]) {
      for (const rows of [1, 2, 5, 10, 24, 50, Number.POSITIVE_INFINITY]) {
        const lines = renderStatus({ ...view, columns, rows, style: COLORED, state: state({ limited, stats: wide }) });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      }
    }
    const lines = renderStatus({ ...view, state: state({ limited }) });
    expect(lines).toContain("and 43 more");
    expect(lines.at(-1)).toBe("… 4 more lines: enlarge the window");
  });

  test("is one line for a log", () => {
    const stats = statsReply({ problems: [PROBLEM] });
    expect(statusLine({ ...view, state: state({ stats }) }).replace(/^.{25}/, "")).toBe(
      "  ready  5000 packets/s".replace("5000", "5,000") +
        "  5.0 answered/s  812345 of 1000000 nodes  journal 2.5 s behind  2 workers  3 dropped by the kernel  0 limited  problems: registry-full",
    );
  });
});

test("status asks this machine if the address is every interface, and below the path of a URL", () => {
  const urls = ["127.0.0.1:1", "0.0.0.0:1", "[::]:1", "http://[::]:1", "https://h", "https://h/a/b", "https://h/a//"];
  expect(urls.map((text) => `${adminUrl(text)}`)).toEqual([
    "http://127.0.0.1:1/",
    "http://127.0.0.1:1/",
    "http://[::1]:1/",
    "http://[::1]:1/",
    "https://h/",
    "https://h/a/b/",
    "https://h/a/",
  ]);
});

/** What the stand-in answers. */
interface Replies {
  ready?: boolean;
  starts?: boolean;
  stats?: StatsReply;
  limited?: LimitedKey[];
  token?: string;
  body?: string;
  /** Why it refuses all requests. */
  refusal?: string;
}

function standIn(replies: Replies, port = 0) {
  const started = performance.now();
  return Bun.serve({
    port,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (replies.body !== undefined) return new Response(replies.body);
      if (replies.refusal !== undefined) return Response.json({ error: replies.refusal }, { status: 403 });
      const ready = replies.ready ?? true;
      const checks = [{ name: "probe", ok: ready, text: ready ? "answered" : "no answer in 1 s" }];
      if (pathname === "/readyz" && replies.starts) {
        return Response.json({ ready: false, reason: "it reads its journal", checks: [] }, { status: 503 });
      }
      if (pathname === "/readyz") return Response.json({ ready, reason: null, checks }, { status: ready ? 200 : 503 });
      if (
        pathname !== "/readyz" &&
        replies.token &&
        request.headers.get("authorization") !== `Bearer ${replies.token}`
      ) {
        return Response.json({ error: "a token is needed" }, { status: 401 });
      }
      if (replies.starts) return Response.json({ error: "it reads its journal" }, { status: 503 });
      if (pathname === "/api/stats") {
        const { uptime, ...stats } = replies.stats ?? statsReply();
        return Response.json({ ...stats, uptime: uptime + (performance.now() - started) / 1000 });
      }
      return Response.json({ at: "2026-01-31T12:00:00.000Z", limited: replies.limited ?? [] });
    },
  });
}

describeCommand("whereabouts status", ({ run, start, terminal }) => {
  const status = (port: number, args: readonly string[] = []) =>
    run(["status", "--admin", `127.0.0.1:${port}`, ...args]);

  test("exits with 0 if the server is ready, as text and as JSON", async () => {
    await using server = standIn({ limited: [LIMITED] });
    const [ready, json] = await Promise.all([status(server.port!), status(server.port!, ["--json"])]);
    expect(ready).toMatchObject({ err: "", code: 0 });
    expect(ready.out).toStartWith(`whereabouts 9.9.9 at 127.0.0.1:${server.port} is ready, up 1 d 3 h\n`);
    expect(ready.out).toMatch(/\npackets +0 +12,000\n/);
    expect(ready.out).toContain("\n192.0.2.7/32  --source-rate ");
    expect(json).toMatchObject({ err: "", code: 0 });
    expect(JSON.parse(json.out)).toEqual({
      ...statsReply(),
      uptime: expect.any(Number),
      readiness: { ready: true, reason: null, checks: [{ name: "probe", ok: true, text: "answered" }] },
      limited: [LIMITED],
    });
  });

  test("sends the token, and refuses one that no header can have", async () => {
    await using server = standIn({ token: TOKEN });
    const [right, newline] = await Promise.all([
      status(server.port!, ["--admin-token", TOKEN]),
      status(server.port!, ["--admin-token", "wrong\nsecret"]),
    ]);
    expect(right).toMatchObject({ err: "", code: 0 });
    expect(newline).toEqual({
      out: "",
      err: `whereabouts: error: 127.0.0.1:${server.port}: ${WRONG_TOKEN}\n`,
      code: 2,
    });
  });

  test("exits with 3 and one line if there is no server, or one that breaks the protocol", async () => {
    const ssh = createServer((socket) => socket.end("SSH-2.0-x\r\n")).listen(0, "127.0.0.1");
    const closes = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await until(() => ssh.listening && closes.listening, "the servers");
    const portOf = (server: typeof ssh) => (server.address() as { port: number }).port;
    await using endless = standIn({ body: "1".repeat(2 ** 24 + 1) });
    const cases: [number, string][] = [
      [portOf(ssh), ELSEWHERE],
      [portOf(closes), "the connection was closed"],
      [endless.port!, "its reply does not end"],
      [1, "nothing listens on that port"],
    ];
    const results = await Promise.all(cases.map(([port]) => status(port)));
    for (const [i, [port, why]] of cases.entries()) {
      const err = `whereabouts: error: 127.0.0.1:${port} cannot be reached: ${why}\n`;
      expect(results[i]).toEqual({ out: "", err, code: 3 });
    }
    ssh.close();
    closes.close();
  });

  test("--watch shows a live screen that fits the terminal and survives a restart, until q", async () => {
    const replies: Replies = { stats: statsReply({ problems: [PROBLEM] }), limited: [LIMITED] };
    const port = await lastingPort();
    let server = standIn(replies, port);
    await using shown: TerminalCommand = terminal(["status", "--watch", "--admin", `127.0.0.1:${port}`], {
      env: { NO_COLOR: "1" },
    });
    await until(() => shown.text.includes("192.0.2.7/32"), "the figures");
    expect(shown.text).toStartWith("\x1b[?1049h\x1b[?25l");
    expect(shown.text).toContain("! the registry is full: 1000000 of 1000000 nodes; raise --capacity");
    // No colors, and no erasing of the whole screen, which would flicker.
    expect(shown.text).not.toMatch(new RegExp(`${ESC}\\[(?:\\d*m|2J)`));
    replies.stats = statsReply({ received: 1_000_000 });
    await until(() => shown.text.includes("1,000,000 "), "newer figures");
    shown.text = "";
    shown.terminal.resize(30, 8);
    await until(() => shown.text.includes("whereabouts 9.9.9 at"), "the smaller screen");
    for (const line of shown.text.split("\n")) expect(Bun.stringWidth(Bun.stripANSI(line))).toBeLessThanOrEqual(30);
    shown.terminal.resize(100, 40);
    await server.stop(true);
    await until(
      () => /is not reachable for \d+ s: nothing listens on that port/.test(shown.text),
      "the end of the server",
    );
    replies.stats = statsReply({ uptime: 1 });
    server = standIn(replies, port);
    await until(() => /The server was restarted \d+ s ago\./.test(shown.text), "the restart");
    if (process.platform === "linux") {
      // Ctrl-Z gives the terminal back to the shell, whose fg sends SIGCONT.
      shown.text = "";
      shown.terminal.write("\x1a");
      const isStopped = () => /\) T /.test(readFileSync(`/proc/${shown.child.pid}/stat`, "utf8"));
      await until(isStopped, "the command to stop");
      await until(() => shown.text.endsWith("\x1b[?1049l"), "the end of the screen");
      shown.text = "";
      shown.child.kill("SIGCONT");
      await until(() => shown.text.includes("is ready"), "the screen");
      expect(shown.text).toStartWith("\x1b[?1049h");
    }
    shown.terminal.write("q");
    expect(await shown.child.exited).toBe(0);
    await until(() => shown.text.includes("\x1b[?1049l"), "the end");
    await server.stop(true);
  });

  test("--watch ends with 0 by Ctrl-C and by SIGTERM, and is plain if it does not write to a terminal", async () => {
    await using server = standIn({});
    const args = ["status", "--watch", "--admin", `127.0.0.1:${server.port}`];
    await using shown: TerminalCommand = terminal(args);
    await using plain = start(args);
    await using json = start([...args, "--json"]);
    const [lines, objects] = [new OutputLines(plain.stdout), new OutputLines(json.stdout)];
    expect(await lines.next(/./)).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00 {2}ready {2}- packets\/s {2}/);
    expect(await lines.next(/./)).toContain("  ready  0 packets/s  ");
    expect(JSON.parse(await objects.next(/./))).toMatchObject({ ready: true, nodes: 812_345, limited: [] });
    await until(() => shown.text.includes("is ready"), "the screen");
    expect(shown.text).toContain(COLORED.green("whereabouts").slice(0, 5));
    const { port } = server;
    await server.stop(true);
    // A request that was under way may end with another error first.
    expect(await lines.next(/nothing listens/)).toContain(`127.0.0.1:${port} is not reachable: nothing listens`);
    expect(JSON.parse(await objects.next(/nothing listens/))).toMatchObject({
      ready: false,
      error: "nothing listens on that port",
    });
    shown.terminal.write("\x03");
    plain.kill("SIGINT");
    json.kill("SIGTERM");
    expect(await Promise.all([shown.child.exited, plain.exited, json.exited])).toEqual([0, 0, 0]);
    expect(await plain.stderr.text()).toBe("");
  });

  test("asks over TLS at an https:// address, and does not believe a certificate that nobody has signed", async () => {
    await using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: makeSelfSigned("nobody"),
      fetch: () => Response.json(statsReply()),
    });
    const { out, err, code } = await run(["status", "--admin", `https://127.0.0.1:${server.port}`]);
    expect({ out, code }).toEqual({ out: "", code: 3 });
    expect(err).toMatch(
      /^whereabouts: error: https:\/\/127\.0\.0\.1:\d+\/ cannot be reached: [^\n]*certificate[^\n]*\n$/,
    );
  });
});

/** The meaning of replies, which does not depend on the runtime. */
describe("whereabouts status", () => {
  const status = (server: { readonly port: number | undefined }, args: readonly string[] = []) =>
    run(["status", "--admin", `127.0.0.1:${server.port}`, ...args]);

  test("exits with 1 and the reason if the server is not ready, or only starts", async () => {
    const replies: Replies = { ready: false };
    await using server = standIn(replies);
    const [notReady, notReadyJson] = await Promise.all([status(server), status(server, ["--json"])]);
    expect(notReadyJson).toMatchObject({ err: "", code: 1 });
    expect(JSON.parse(notReadyJson.out)).toMatchObject({ ready: false, nodes: 812_345, readiness: { ready: false } });
    expect(notReady).toMatchObject({ err: "", code: 1 });
    expect(notReady.out).toContain(" is not ready, up 1 d 3 h\n! probe: no answer in 1 s\n");
    replies.starts = true;
    expect(await status(server)).toEqual({
      out: `127.0.0.1:${server.port} is not ready\n! it reads its journal\n`,
      err: "",
      code: 1,
    });
    const starts = await status(server, ["--json"]);
    expect(starts).toMatchObject({ err: "", code: 1 });
    expect(starts.out).toStartWith('{"ready":false,"readiness":{"ready":false,');
  });

  test("takes address and token from the environment, and exits with 2 if the token is wrong or missing", async () => {
    await using server = standIn({ token: TOKEN });
    const env = { WHEREABOUTS_ADMIN: `0.0.0.0:${server.port}`, WHEREABOUTS_ADMIN_TOKEN: TOKEN };
    const results = await Promise.all([
      run(["status"], "", { env }),
      run(["status", "--admin", `http://127.0.0.1:${server.port}/`, "--admin-token", "wrong-secret"]),
      status(server),
      status(server, ["--watch", "--admin-token", "wrong-secret"]),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 2, 2, 2]);
    const where = `whereabouts: error: 127.0.0.1:${server.port}: `;
    const wrong = `${where}${WRONG_TOKEN}\n`;
    const missing = `${where}the server wants a token: give --admin-token, or set WHEREABOUTS_ADMIN_TOKEN\n`;
    expect(results.slice(1).map(({ err }) => err)).toEqual([wrong, missing, wrong]);
    for (const { out, err } of results) expect(out + err).not.toContain("secret");
  });

  test("exits with 2 and the server's reason if it refuses the request", async () => {
    await using server = standIn({ refusal: "this host name is not answered\x1b[2J" });
    expect(await status(server)).toEqual({
      out: "",
      err: `whereabouts: error: 127.0.0.1:${server.port}: the server refuses: this host name is not answered\\u{1b}[2J\n`,
      code: 2,
    });
  });

  test.each<[string, Replies]>([
    ["a page", { body: "<html>" }],
    ["another program with an API", { stats: { hello: 1 } as never }],
  ])("exits with 3 and one line if %s answers", async (_, replies) => {
    await using server = standIn(replies);
    expect(await status(server)).toEqual({
      out: "",
      err: `whereabouts: error: 127.0.0.1:${server.port} cannot be reached: ${ELSEWHERE}\n`,
      code: 3,
    });
  });

  test("refuses to ask if WHEREABOUTS_ADMIN is off, and its help works all the same", async () => {
    const env = { WHEREABOUTS_ADMIN: "off" };
    const [off, help] = await Promise.all([run(["status"], "", { env }), run(["status", "--help"], "", { env })]);
    expect(help).toMatchObject({ err: "", code: 0 });
    expect(off).toEqual({
      out: "",
      err: "whereabouts: error: WHEREABOUTS_ADMIN is off, so the server has no admin address that could be asked: give --admin HOST:PORT\n",
      code: 2,
    });
  });
});

testRefusals("status", [
  ["no address", ["--admin", "off:"], "It must be HOST:PORT, or a URL"],
  ["IPv6 without brackets", ["--admin", "::1:22080"], "It must be HOST:PORT"],
  ["a URL without a host", ["--admin", "http://"], "It must be HOST:PORT, or a URL"],
  ["a URL with a query", ["--admin", "http://h/?x"], "It must be HOST:PORT, or a URL"],
  [
    "a URL with a password",
    ["--admin", "http://user:secret@h:1"],
    "It must not contain a user or password: give the token by --admin-token.",
  ],
  ["port 0", ["--admin", "127.0.0.1:0"], "It must have the port that the server took, not 0."],
]);

test(
  "status gives up on a server that does not answer",
  async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await until(() => silent.listening, "the server");
    const { port } = silent.address() as { port: number };
    await using child = start(["status", "--json", "--admin", `127.0.0.1:${port}`]);
    expect(await child.exited).toBe(3);
    expect(await child.stderr.text()).toContain("cannot be reached: no answer within 5 s\n");
    silent.close();
  },
  TEST_LIMIT_MS,
);

test(
  "status shows the figures of a real server",
  async () => {
    const args = ["--host", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--workers", "2"];
    await using server = start(["server", ...args]);
    const log = new OutputLines(server.stdout);
    const url = /http:\/\/[\d.:]+/.exec(await log.next(/http:\/\//))![0];
    await log.next(/stores up to/);
    await using child = start(["status", "--admin", url]);
    const out = await child.stdout.text();
    expect(await child.exited, out).toBe(0);
    expect(out).toMatch(/^whereabouts \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+ is ready, up \d+ s\n/);
    expect(out).toMatch(/\nregistry {3}\d of 1,000,000 nodes \(0\.0 %\)\n/);
    expect(out).toContain("memory: keeps nothing across restarts");
    expect(out).toContain("2 running");
  },
  TEST_LIMIT_MS,
);
