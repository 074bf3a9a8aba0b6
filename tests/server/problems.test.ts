import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { configure, reset } from "@logtape/logtape";
import { type EngineCounters, VERDICTS } from "../../src/engine/index.ts";
import { KernelQueues } from "../../src/server/health/kernel-queues.ts";
import { Monitor } from "../../src/server/health/monitor.ts";
import { ReadinessChecks } from "../../src/server/health/readiness.ts";
import type { Sample } from "../../src/server/health/rules/rule.ts";
import { DiscoveryServer, type Problem } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const log: string[] = [];

async function keepLog(): Promise<void> {
  log.length = 0;
  await configure({
    reset: true,
    sinks: { log: ({ level, message }) => log.push(`${level}: ${message.join("")}`) },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: ["log"] },
      { category: ["whereabouts", "server"], lowestLevel: "info", sinks: ["log"] },
    ],
  });
}

afterEach(() => reset());

const zero = Object.fromEntries(VERDICTS.map((name) => [name, 0])) as EngineCounters["verdicts"];
const COUNTERS: EngineCounters = {
  received: 0,
  verdicts: zero,
  dryRun: { "limited-source": 0, "limited-node": 0, "limited-new": 0 },
  displaced: 0,
  unsent: 0,
  socketErrors: 0,
};
const JOURNAL = {
  where: "sqlite /db",
  read: true,
  restored: 0,
  restoreSeconds: 0,
  appended: 0,
  merged: 0,
  noRoom: 0,
  ahead: 0,
};
const FINE: Sample = {
  counters: COUNTERS,
  nodes: 0,
  capacity: 1000,
  kernelDrops: 0,
  journal: { ...JOURNAL, bad: 0, errors: 0, lag: 0.3, appends: { bounds: [], counts: [0], sum: 0 } },
  restored: true,
  workers: 2,
  missing: [],
  replaced: 0,
  receiveBuffer: { granted: 8, asked: 8 },
  socketsGiven: false,
  dryRun: false,
  mostLimited: () => undefined,
  clock: 0,
};
const journal = (now: Partial<Sample["journal"]>): Partial<Sample> => ({ journal: { ...FINE.journal, ...now } });
const counters = (now: Partial<EngineCounters>): Partial<Sample> => ({ counters: { ...COUNTERS, ...now } });
const stopped = (n: number) => counters({ verdicts: { ...zero, "limited-source": n, "limited-new": n / 2 } });
const wouldStop = (n: number) => ({
  ...counters({ dryRun: { ...COUNTERS.dryRun, "limited-node": n } }),
  dryRun: true,
});

/** Per problem: a sample with it, a sample after it, the seconds until it is over, its code, and both log lines. */
const CASES: [string, Partial<Sample>, Partial<Sample>, number, Problem["code"], RegExp, RegExp | undefined][] = [
  [
    "a full registry",
    { nodes: 1000 },
    { nodes: 990 },
    1,
    "registry-full",
    /^warning: the registry is full: 1000 of 1000 nodes; .* raise --capacity$/,
    /^info: the registry has room again: 990 of 1000 nodes$/,
  ],
  [
    "a full registry in which nodes give way",
    { nodes: 1000, ...counters({ displaced: 3, verdicts: { ...zero, full: 1 } }) },
    { nodes: 0 },
    1,
    "registry-full",
    /^error: .* raise --capacity; in the last 10 seconds: 3 nodes gave way to new ones, 1 announcement refused$/,
    /^info: the registry has room/,
  ],
  [
    "a late journal",
    journal({ lag: 12.3 }),
    journal({ lag: 1 }),
    1,
    "journal-late",
    /^warning: the journal is 12 s late: .* check that its disk is not full or slow$/,
    /^info: the journal is in time again$/,
  ],
  [
    "a journal with more than the registry takes",
    journal({ noRoom: 5, bad: 1 }),
    journal({ noRoom: 5, bad: 1 }),
    30,
    "journal-lossy",
    /^error: 5 announcements in the journal not taken, .* raise --capacity or --max-id-length; 1 batch of the journal skipped/,
    /^info: the server takes everything from the journal again, after it dropped 5 announcements and 1 batch$/,
  ],
  [
    "limits",
    stopped(40),
    stopped(40),
    30,
    "limits",
    /^warning: limits stop packets: 4 a second by --source-rate, 2 a second by --new-rate; .* --allow$/,
    /^info: limits no longer stop packets: 60 packets in all, 40 by --source-rate, 20 by --new-rate$/,
  ],
  [
    "limits of a dry run",
    wouldStop(40),
    wouldStop(40),
    30,
    "limits",
    /^warning: limits would stop packets if this were no dry run: 4 a second by --node-rate; /,
    /^info: limits would no longer stop packets: 40 packets in all, 40 by --node-rate$/,
  ],
  [
    "drops of the kernel",
    { kernelDrops: 7 },
    { kernelDrops: 7 },
    30,
    "kernel-drops",
    /^error: the kernel dropped 7 packets .* less than 1 a second: raise --receive-buffer, and sysctl net\.core\.rmem_max to the same, or raise --workers$/,
    /^info: the kernel no longer drops packets: 7 in all$/,
  ],
  [
    "replies that are not sent",
    counters({ unsent: 20 }),
    counters({ unsent: 20 }),
    30,
    "unsent",
    /^error: the system refused to send 20 replies, now 2 a second: /,
    /^info: all replies are sent again: 20 were not$/,
  ],
  [
    "a clock that was set",
    { clock: 5000 },
    { clock: 5000 },
    30,
    "clock",
    /^warning: the system's clock was set ahead by 5\.0 s, or this machine slept: this changes nothing for the nodes$/,
    undefined,
  ],
  [
    "a small receive buffer",
    { receiveBuffer: { granted: 4, asked: 8 } },
    {},
    1,
    "receive-buffer",
    /^warning: the system grants a receive buffer of 4 bytes, not of 8, .* sysctl -w net\.core\.rmem_max=8$/,
    undefined,
  ],
];

for (const [what, wrong, over, seconds, code, begins, ends] of CASES) {
  test(`${what}: the problem appears and vanishes, with one line in the log each time`, async () => {
    await keepLog();
    const monitor = new Monitor();
    monitor.look(FINE);
    expect(monitor.problems).toEqual([]);
    for (let i = 0; i < 3; i++) monitor.look({ ...FINE, ...wrong });
    const [problem, ...others] = monitor.problems;
    expect(others).toEqual([]);
    expect(problem!.code).toBe(code);
    expect(Math.abs(Date.now() - problem!.since)).toBeLessThan(TEST_LIMIT_MS);
    expect(log).toEqual([expect.stringMatching(begins)]);
    expect(log[0]).toStartWith(`${problem!.severity}: `);
    // Two of the looks above were without news.
    for (let i = 3; i < seconds; i++) monitor.look({ ...FINE, ...over });
    if (seconds > 1) expect(monitor.problems).toHaveLength(1);
    monitor.look({ ...FINE, ...over });
    expect(monitor.problems).toEqual([]);
    expect(log.slice(1)).toEqual(ends === undefined ? [] : [expect.stringMatching(ends)]);
  });
}

test("what is near a bound, or comes and goes, is one problem and one line", async () => {
  await keepLog();
  const monitor = new Monitor();
  for (let i = 0; i < 20; i++) {
    const flapping = i % 2 === 0 ? { nodes: 1000, ...journal({ lag: 5 }) } : { nodes: 991, ...journal({ lag: 3 }) };
    monitor.look({ ...FINE, ...flapping, kernelDrops: Math.floor(i / 10) });
  }
  expect(log.map((line) => line.slice(0, 30))).toEqual([
    "warning: the registry is full:",
    "warning: the journal is 5 s la",
    "error: the kernel dropped 1 pa",
  ]);
  // Errors first.
  expect(monitor.problems.map(({ code }) => code)).toEqual(["kernel-drops", "registry-full", "journal-late"]);
});

test("few packets above a limit and few replies that are not sent are no problem", () => {
  const monitor = new Monitor();
  for (let i = 0; i < 100; i++)
    monitor.look({
      ...FINE,
      ...counters({ unsent: Math.floor(i / 2), verdicts: { ...zero, "limited-node": Math.floor(i / 2) } }),
    });
  expect(monitor.problems).toEqual([]);
});

test("workers that are missing or were replaced are a problem, about which the pool writes the log", async () => {
  await keepLog();
  const monitor = new Monitor();
  monitor.look({ ...FINE, missing: [2] });
  expect(monitor.problems).toMatchObject([{ code: "worker-missing", severity: "error" }]);
  expect(monitor.problems[0]!.text).toStartWith("1 of 2 workers not running: worker 2; ");
  monitor.look({ ...FINE, replaced: 1 });
  expect(monitor.problems).toMatchObject([{ code: "worker-missing", severity: "warning" }]);
  for (let i = 0; i < 30; i++) monitor.look({ ...FINE, replaced: 1 });
  expect(monitor.problems).toEqual([]);
  expect(log).toEqual([]);
});

test("errors of the journal are a problem, about which the journal writes the log; each step of the clock is a line", async () => {
  await keepLog();
  const monitor = new Monitor();
  monitor.look({ ...FINE, ...journal({ errors: 2 }) });
  expect(monitor.problems).toMatchObject([
    { code: "journal-errors", text: expect.stringMatching(/^2 errors of the journal: /) },
  ]);
  monitor.look({ ...FINE, restored: false, ...journal({ where: "redis://h:6379/0" }) });
  expect(monitor.problems).toMatchObject([
    {
      severity: "error",
      text: expect.stringMatching(/^the journal could not be read yet, .* check that Redis runs and/),
    },
  ]);
  expect(log).toEqual([]);
  for (const clock of [undefined, 2000, -3000, undefined, -3000])
    monitor.look({ ...FINE, ...journal({ errors: 2 }), clock });
  expect(log).toEqual([expect.stringContaining("set ahead by 2.0 s"), expect.stringContaining("set back by 5.0 s")]);
});

test("NodeIDs of strangers are shown as text only if they are harmless", () => {
  const text = (nodeId: Uint8Array) => {
    const monitor = new Monitor();
    const limited = {
      kind: "node",
      network: undefined,
      nodeId,
      limit: "node",
      option: "nodeRate",
      stopped: 40,
      rate: 4,
      since: 0,
      dryRun: false,
    } as const;
    monitor.look({ ...FINE, ...stopped(40), mostLimited: () => limited });
    return monitor.problems[0]!.text;
  };
  expect(text(ascii("NODE-1"))).toContain(" (most of NodeID NODE-1);");
  expect(text(ascii("\x1b[2J{x}"))).toContain(" (most of NodeID hex:1b5b324a7b787d);");
});

test("a server is ready without its journal only after a minute, and not without its workers", async () => {
  const sources = { workers: 2, listening: () => 2, missing: () => [] as number[], restored: () => true };
  const probe = async () => ({ name: "probe", ok: true, text: "" }) as const;
  const failing = async (change: Partial<typeof sources>) =>
    (await new ReadinessChecks({ ...sources, ...change, probe }).check()).checks.filter(({ ok }) => !ok);
  expect(await failing({})).toEqual([]);
  expect(await failing({ restored: () => false })).toEqual([
    { name: "journal", ok: false, text: expect.stringMatching(/^the journal could not be read yet, .* in 60 s$/) },
  ]);
  expect(await failing({ missing: () => [2] })).toEqual([
    { name: "workers", ok: false, text: "no heartbeat, or being replaced: worker 2" },
  ]);
  expect(await failing({ listening: () => 0 })).toMatchObject([{ name: "sockets" }]);
});

test("drops and queues of the kernel count only the server's own sockets, and never go down", async () => {
  using folder = new Folder();
  const file = folder.at("udp");
  const line = (address: string, inode: number, queue: string, drops: number) =>
    ` 384: ${address} 00000000:0000 07 00000000:${queue} 00:00000000 00000000     0        0 ${inode} 2 00000000e936d256 ${drops}      `;
  const write = (...lines: string[]) =>
    Bun.write(file, ["  sl  local_address rem_address ...", ...lines, ""].join("\n"));
  let inodes = [11, 12];
  const queues = new KernelQueues(22025, () => inodes, [file, folder.at("missing")]);
  await queues.read();
  expect([queues.drops, queues.waiting]).toEqual([undefined, undefined]);
  const other = line("00000000:5609", 99, "00000500", 1000);
  const foreign = line("00000000:1234", 11, "00000500", 1000);
  await write(line("0100007F:5609", 11, "00000100", 50), other, foreign);
  await queues.read();
  expect([queues.drops, queues.waiting]).toEqual([0, 256]);
  await write(line("0100007F:5609", 11, "00000100", 55), line("0100007F:5609", 12, "00000010", 3), other);
  await Promise.all([queues.read(), queues.read()]);
  expect([queues.drops, queues.waiting]).toEqual([8, 272]);
  // The first worker is replaced: its socket is gone, and its drops stay counted.
  inodes = [12, 13];
  await write(line("0100007F:5609", 12, "00000000", 3), line("0100007F:5609", 13, "00000000", 2));
  await queues.read();
  expect([queues.drops, queues.waiting]).toEqual([10, 0]);
});

const LIMITED = { sourceRate: 1, sourceBurst: 5, nodeRate: 0, newRate: 0 };

testIf(process.platform === "linux", "needs /proc")(
  "a server under a burst reports drops of its tiny receive buffer, limits and a full registry, and logs each once",
  async () => {
    await keepLog();
    const options = { host: "127.0.0.1", port: 0, workers: 2, capacity: 10, receiveBuffer: 1, ...LIMITED };
    await using server = await DiscoveryServer.start(options);
    expect(server.stats()).toMatchObject({ kernelDrops: 0, receiveQueue: 0 });
    await using client = await Client.open(server.port);
    const codes = () =>
      server
        .problems()
        .map(({ code }) => code)
        .sort();
    const end = performance.now() + TEST_LIMIT_MS / 2;
    for (let n = 0; codes().length < 3; n++) {
      if (performance.now() > end) throw new Error(`waited in vain: ${codes()} ${JSON.stringify(server.stats())}`);
      for (let i = 0; i < 300; i++) client.send(query(ascii("A")));
      await using newcomer = await Client.open(server.port, "127.0.0.1", `127.0.1.${1 + (n % 250)}`);
      newcomer.send(announcement(ascii(`N${n}`), 1));
      await Bun.sleep(20);
    }
    expect(codes()).toEqual(["kernel-drops", "limits", "registry-full"]);
    expect(server.stats().kernelDrops).toBeGreaterThan(0);
    const limits = () => server.problems().find(({ code }) => code === "limits")!.text;
    await until(() => limits().includes(" a second by --source-rate (most of 127.0.0.1/32); "), "the source", 5000);
    await until(() => log.length >= 3, "the log");
    expect(log.map((line) => line.replace(/^\w+: (the )?(\w+).*$/, "$2")).sort()).toEqual([
      "kernel",
      "limits",
      "registry",
    ]);
  },
);
