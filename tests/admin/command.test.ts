/** The admin server of `whereabouts server`: its address, its token, and the end of the process. */
import { expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { AdminServer } from "../../src/admin/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { OutputLines, run, start } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { runInOneProcess } from "../support/one-process.ts";
import { lastingPort } from "../support/ports.ts";
import { until } from "../support/time-limits.ts";
import { logged } from "./site.ts";

const TOKEN = "Zx9-never-shown";

/** The address of the page, which the log tells. */
async function pageOf(out: OutputLines): Promise<string> {
  return /https?:\S+/.exec(await out.next(/the live page is at/))![0];
}

test("a taken port is tried again until it is free, and the server runs meanwhile", async () => {
  const at = `127.0.0.1:${await lastingPort()}`;
  const [host, port] = at.split(":") as [string, string];
  const first = await AdminServer.start({ host, port: Number(port) });
  const url = first.url!;
  const child = start(["server", "--host", "127.0.0.1", "--port", "0", "--admin", at, "--capacity", "77"]);
  const out = new OutputLines(child.stdout);
  expect(await out.next(/WRN/)).toContain(
    `the live page cannot be served on "${at}": "the port is in use"; it is tried again every 2 s (--admin sets another address)`.replaceAll(
      '"',
      "",
    ),
  );
  await out.next(/listens on udp/);
  await first.stop();
  expect(await pageOf(out)).toBe(url);
  expect(await (await fetch(`${url}api/stats`)).json()).toMatchObject({ capacity: 77 });
  child.kill();
  expect(await child.exited).toBe(0);
  await out.end;
  expect(out.lines.filter((line) => line.includes("cannot be served")).length).toBe(1);
});

test("a taken port is tried again as often as needed, with one warning, and never after the stop", async () => {
  const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const timers = spyOn(globalThis, "setTimeout");
  const { setTimeout: original } = globalThis;
  const retries: (() => void)[] = [];
  timers.mockImplementation(((callback: () => void, ms: number) => {
    if (ms !== 2000) return original(callback, ms);
    retries.push(callback);
    return 0;
  }) as unknown as typeof setTimeout);
  const address = { host: "127.0.0.1", port: other.port! };
  try {
    const lines = await logged(async () => {
      const [stopped, admin] = [await AdminServer.start(address), await AdminServer.start(address)];
      const tryAgain = () => {
        for (const retry of retries.splice(0)) retry();
      };
      for (let i = 0; i < 2; i++) {
        tryAgain();
        await until(() => retries.length === 2, "the next attempts to be due");
      }
      expect([stopped.url, admin.url]).toEqual([undefined, undefined]);
      await stopped.stop();
      await other.stop(true);
      tryAgain();
      await until(() => admin.url !== undefined, "the address");
      expect((await fetch(new URL("/healthz", admin.url))).status).toBe(200);
      expect([stopped.url, retries]).toEqual([undefined, []]);
      await admin.stop();
    });
    expect(lines.filter((line) => line.includes("cannot be served"))).toHaveLength(2);
    expect(lines.filter((line) => line.includes("the live page is at"))).toHaveLength(1);
  } finally {
    timers.mockRestore();
  }
});

test("an address that is not there yet is tried again, too", async () => {
  const lines = await logged(async () => {
    // Addresses of documentation (RFC 5737): no interface has one.
    const admin = await AdminServer.start({ host: "192.0.2.1", port: 0, token: TOKEN });
    await admin.stop();
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^warning: .*no interface of this machine has that address.*it is tried again every 2 s/);
});

testIf(hasNetns, NEEDS_NETNS)("a name that does not resolve yet is tried again, too", async () => {
  // A namespace of its own, where no name server can be reached.
  const by = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];
  const address = ["--admin", "name.invalid:1", "--admin-token", TOKEN];
  const child = start(["server", "--host", "127.0.0.1", "--port", "0", ...address], { by });
  const out = new OutputLines(child.stdout);
  expect(await out.next(/WRN/)).toContain("cannot be served on name.invalid:1: the name server does not answer; it is");
  await out.next(/listens on udp/);
  child.kill();
  expect(await child.exited).toBe(0);
});

test("the token is needed for other addresses, and is never shown", async () => {
  const child = start(
    ["server", "--host", "127.0.0.1", "--port", "0", "--admin", "0.0.0.0:0", "--log-level", "debug"],
    {
      env: { WHEREABOUTS_ADMIN_TOKEN: TOKEN },
    },
  );
  const out = new OutputLines(child.stdout);
  const url = (await pageOf(out)).replace("0.0.0.0", "127.0.0.1");
  await out.next(/listens on udp/);
  const bodies: string[] = [];
  for (const headers of [{}, { authorization: `Bearer ${TOKEN}` }, { authorization: `Bearer ${TOKEN}x` }]) {
    for (const path of ["", "api/stats", "metrics", "readyz", `api/nodes/x`, "nonsense"]) {
      bodies.push(await (await fetch(url + path, { headers })).text());
    }
  }
  expect((await fetch(`${url}api/stats`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  if (process.platform === "linux") {
    for (const name of ["comm", "cmdline"]) bodies.push(readFileSync(`/proc/${child.pid}/${name}`, "latin1"));
  }
  child.kill();
  expect(await child.exited).toBe(0);
  await out.end;
  bodies.push(...out.lines, await child.stderr.text());
  for (const body of bodies) expect(body).not.toContain(TOKEN);
});

test("wrong addresses and tokens end the server with one line", async () => {
  const address = "It must be HOST:PORT, such as 127.0.0.1:22080 or [::1]:22080, or off.";
  const spaced = `${TOKEN} ${TOKEN}`;
  const cases: [string[], Record<string, string>, number, string][] = [
    [["--admin", "0.0.0.0:1"], {}, 2, "--admin-token is needed, because 0.0.0.0 can be reached from other machines"],
    [["--admin", "[::]:1"], {}, 2, "--admin-token is needed, because :: can be reached from other machines"],
    [
      ["--admin-token", spaced],
      {},
      2,
      "--admin-token must be letters, digits and punctuation of ASCII, without spaces",
    ],
    [
      [],
      { WHEREABOUTS_ADMIN_TOKEN: spaced },
      2,
      "WHEREABOUTS_ADMIN_TOKEN must be letters, digits and punctuation of ASCII, without spaces",
    ],
    ...[
      "127.0.0.1:65536",
      "127.0.0.1",
      "1.2.3:4",
      "::1:80",
      "[127.0.0.1]:80",
      "a_.-:1",
      "x..y:1",
      "127.0.0.1:-1",
      ":80",
      "http://x:1",
      "[x]:1",
    ].map((text): [string[], Record<string, string>, number, string] => [["--admin", text], {}, 2, address]),
  ];
  for (const [args, env, code, text] of cases) {
    const flags = ["--host", "127.0.0.1", "--port", "0", ...args];
    const result = await runInOneProcess(["server", ...flags], { WHEREABOUTS_ADMIN: "127.0.0.1:0", ...env });
    expect(result.err, args.join(" ")).toContain(text);
    expect(result.err.trim().split("\n").length).toBe(1);
    expect(result.err + result.out).not.toContain(TOKEN);
    expect(result.code).toBe(code);
  }
});

testIf(Bun.which("setpriv") !== null, "needs setpriv")("a port that is not permitted ends the server", async () => {
  const by = ["setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"];
  const args = ["server", "--host", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:80"];
  const result = await run(args, "", { by });
  expect(result).toMatchObject({ code: 1, out: "" });
  expect(result.err).toBe(
    "whereabouts: error: the live page cannot be served on 127.0.0.1:80: not permitted (ports below 1024 need privileges)\n",
  );
});

test("a server that cannot start closes the admin socket and ends", async () => {
  using folder = new Folder();
  const journal = `sqlite:${folder.at("registry.db")}`;
  await using _first = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10, journal });
  const args = ["--host", "127.0.0.1", "--port", "0", "--journal", journal, "--admin", "127.0.0.1:0"];
  const second = await run(["server", ...args]);
  expect(second.out).toContain("the live page is at");
  expect(second.err).toMatch(/^whereabouts: error: .+\n$/);
  expect(second.code).toBe(1);
});

test("a stop is told on /readyz until the end, and many open streams do not delay it", async () => {
  // An idle worker of mmsg looks for the stop ten times a second. One of many looks late, so there is time for requests.
  const transport = process.platform === "linux" ? "mmsg" : "udp";
  const workers = ["--transport", transport, "--workers", "8"];
  const args = ["--host", "127.0.0.1", "--port", "0", ...workers, "--admin", "127.0.0.1:0"];
  const child = start(["server", ...args]);
  const out = new OutputLines(child.stdout);
  const url = await pageOf(out);
  await out.next(/listens on udp/);
  const streams = await Promise.all(Array.from({ length: 100 }, () => fetch(`${url}api/events`)));
  expect(streams.filter(({ status }) => status === 200).length).toBe(64);
  const answers: unknown[] = [];
  const polling = (async () => {
    for (;;) {
      try {
        const response = await fetch(`${url}readyz`);
        if (response.status === 503) answers.push(await response.json());
      } catch {
        return;
      }
    }
  })();
  child.kill();
  expect(await child.exited).toBe(0);
  await polling;
  await out.end;
  expect(out.lines.at(-1)).toContain("stopped by SIGTERM");
  expect(answers.length).toBeGreaterThan(0);
  for (const answer of answers) expect(answer).toEqual({ ready: false, reason: "the server is stopping", checks: [] });
});
