import { afterEach, expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { configure, reset } from "@logtape/logtape";
import { type EngineCounters, VERDICTS } from "../../src/engine/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { Health, type HealthParts } from "../../src/server/health/health.ts";
import { KernelQueues } from "../../src/server/health/kernel-queues.ts";
import { Monitor } from "../../src/server/health/monitor.ts";
import { ReadinessChecks } from "../../src/server/health/readiness.ts";
import type { Sample } from "../../src/server/health/rules/rule.ts";
import {
  DiscoveryServer,
  type HttpsStats,
  type Limited,
  type Problem,
  type ReadinessCheck,
  type ResolvedServerOptions,
} from "../../src/server/index.ts";
import { resolveOptions } from "../../src/server/resolve.ts";
import type { WorkerPool } from "../../src/server/workers/pool.ts";
import type { XdpStatus } from "../../src/transport/xdp/status.ts";
import { Client } from "../support/client.ts";
import { Folder } from "../support/folder.ts";
import { Harness } from "../support/harness.ts";
import { noHttpsStats } from "../support/https-stats.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const log: string[] = [];
/** The problem that each line is about. */
const about: unknown[] = [];

async function keepLog(): Promise<void> {
  log.length = 0;
  about.length = 0;
  await configure({
    reset: true,
    sinks: {
      log({ level, message, properties }) {
        log.push(`${level}: ${message.join("")}`);
        about.push(properties.problem);
      },
    },
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
  devicesRestored: 0,
  devicesNoRoom: 0,
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
  xdp: undefined,
  journal: { ...JOURNAL, bad: 0, errors: 0, lag: 0.3, appends: { bounds: [], counts: [0], sum: 0 } },
  restored: true,
  workers: 2,
  missing: [],
  replaced: 0,
  https: noHttpsStats(),
  httpsMissing: 0,
  receiveBuffer: { granted: 8, asked: 8 },
  socketsGiven: false,
  dryRun: false,
  mostLimited: () => undefined,
  clock: 0,
};
const journal = (now: Partial<Sample["journal"]>): Partial<Sample> => ({ journal: { ...FINE.journal, ...now } });
const XDP: XdpStatus = {
  ...{ interface: "eth0", mode: "native", queues: 2, served: 2, problem: undefined },
  ...{ received: 0, sent: 0, damaged: 0, dropped: 0 },
};
const xdp = (now: Partial<XdpStatus>): Partial<Sample> => ({ xdp: { ...XDP, ...now } });
const https = (now: Partial<HttpsStats>): Partial<Sample> => ({ https: { ...FINE.https, ...now } });
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
    "a full table of devices",
    https({ devices: 50, capacity: 50 }),
    https({ devices: 49, capacity: 50 }),
    1,
    "devices-full",
    /^warning: the table of Syncthing devices is full: 50 of 50 devices; .* raise --https-capacity$/,
    /^info: the table of Syncthing devices has room again: 49 of 50 devices$/,
  ],
  [
    "a full table of devices that gave way or were refused",
    https({ devices: 50, capacity: 50, displaced: 2, requests: { ...FINE.https.requests, full: 1 } }),
    https({ devices: 0, capacity: 50, displaced: 2, requests: { ...FINE.https.requests, full: 1 } }),
    300,
    "devices-full",
    /^error: .* raise --https-capacity; lately: 2 devices gave way to new ones, 1 announcement refused$/,
    /^info: the table of Syncthing devices has room again: 0 of 50 devices$/,
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
    /^error: 5 announcements in the journal not taken, .* raise --capacity, --https-capacity or --max-id-length; 1 batch of the journal skipped/,
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
    "drops on a queue of an interface",
    { kernelDrops: 7, ...xdp({ dropped: 6 }) },
    { kernelDrops: 7, ...xdp({ dropped: 6 }) },
    30,
    "kernel-drops",
    /^error: the kernel dropped 7 packets because a queue of eth0 or a receive buffer was full, .*: raise --receive-buffer, or give the interface more queues \(ethtool -L\) and start the server again$/,
    /^info: the kernel no longer drops packets: 7 in all$/,
  ],
  [
    "a queue that cannot be served",
    xdp({ served: 1, problem: "queue 1: it is in use" }),
    xdp({}),
    1,
    "xdp",
    /^warning: the transport xdp does not serve all of eth0: queue 1: it is in use; meanwhile its packets go through the kernel's sockets, which costs more$/,
    /^info: the transport xdp serves all of eth0 again$/,
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
    // By this, both lines are summed up as one kind if they repeat.
    expect(about).toEqual(log.map(() => code));
  });
}

test("a problem keeps the time when it began, and has another one when it comes again", () => {
  const monitor = new Monitor();
  const since = (at: number, nodes: number) => {
    setSystemTime(at);
    monitor.look({ ...FINE, nodes });
    return monitor.problems[0]?.since;
  };
  try {
    expect([since(1000, 1000), since(2000, 1000), since(3000, 0), since(4000, 1000)]).toEqual([
      1000,
      1000,
      undefined,
      4000,
    ]);
  } finally {
    setSystemTime();
  }
});

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

test("a queue that no worker serves is a problem after some seconds, but not while its worker is replaced", async () => {
  await keepLog();
  const monitor = new Monitor();
  const looks = (count: number, sample: Partial<Sample>) => {
    for (let i = 0; i < count; i++) monitor.look({ ...FINE, ...sample });
    return monitor.problems.filter(({ code }) => code === "xdp").map(({ text }) => /: (.*);/.exec(text)![1]);
  };
  const unserved = xdp({ served: 1 });
  expect(looks(10, { ...unserved, missing: [2] })).toEqual([]);
  // The successor listens, and is not yet lent the queue.
  expect(looks(4, unserved)).toEqual([]);
  expect(looks(1, xdp({}))).toEqual([]);
  expect(looks(4, unserved)).toEqual([]);
  expect(log).toEqual([]);
  const text = "1 of its 2 queues are not served: start the server again";
  expect(looks(1, unserved)).toEqual([text]);
  expect(looks(1, { ...unserved, missing: [2] })).toEqual([text]);
  expect(log).toHaveLength(1);
  expect(looks(1, xdp({}))).toEqual([]);
  expect(log).toHaveLength(2);
  // There are more queues than workers: the transport says so itself. Fewer queues are fine.
  expect(looks(10, { ...xdp({ queues: 3 }), workers: 2 })).toEqual([]);
  expect(looks(10, { ...xdp({ queues: 2 }), workers: 3 })).toEqual([]);
});

test("what is wrong with an interface stays one problem until all of its queues are served", async () => {
  await keepLog();
  const monitor = new Monitor();
  const gone = xdp({ mode: undefined, queues: 0, served: 0, problem: "there is no such interface" });
  // It is back, and the queues are lent one after the other.
  for (const sample of [gone, gone, xdp({ served: 0 }), xdp({ served: 1 })]) monitor.look({ ...FINE, ...sample });
  expect(monitor.problems).toMatchObject([
    { code: "xdp", severity: "warning", text: expect.stringContaining("eth0: there is no such interface; ") },
  ]);
  expect(log).toHaveLength(1);
  monitor.look({ ...FINE, ...xdp({}) });
  expect(monitor.problems).toEqual([]);
  expect(log).toHaveLength(2);
});

test("threads for requests that are missing or failed are a problem, about which their owner writes the log", async () => {
  await keepLog();
  const monitor = new Monitor();
  monitor.look({ ...FINE, ...https({ threads: 3 }), httpsMissing: 1 });
  expect(monitor.problems).toMatchObject([{ code: "https-thread-missing", severity: "error" }]);
  expect(monitor.problems[0]!.text).toStartWith("1 of 4 threads for HTTPS requests not running; ");
  const again = { ...FINE, ...https({ threads: 4, replaced: 1 }) };
  monitor.look(again);
  expect(monitor.problems).toMatchObject([{ code: "https-thread-missing", severity: "warning" }]);
  for (let i = 0; i < 30; i++) monitor.look(again);
  expect(monitor.problems).toEqual([]);
  expect(log).toEqual([]);
});

test("a full registry is an error as long as it has lost something in the last ten seconds, then a warning", () => {
  const monitor = new Monitor();
  const lossy = { ...FINE, nodes: 1000, ...counters({ displaced: 3, verdicts: { ...zero, full: 1 } }) };
  for (let i = 0; i < 10; i++) {
    monitor.look(lossy);
    expect(monitor.problems).toMatchObject([
      { severity: "error", text: expect.stringMatching(/1 announcement refused$/) },
    ]);
  }
  monitor.look(lossy);
  expect(monitor.problems).toMatchObject([{ severity: "warning", text: expect.stringMatching(/raise --capacity$/) }]);
  // Only the latest losses are told.
  monitor.look({ ...lossy, ...counters({ displaced: 5, verdicts: { ...zero, full: 3 } }) });
  expect(monitor.problems[0]!.text).toEndWith(": 2 nodes gave way to new ones, 2 announcements refused");
});

test("the end of limits tells the packets since ten seconds before they began, not those of earlier days", async () => {
  await keepLog();
  const monitor = new Monitor();
  for (let i = 0; i < 12; i++) monitor.look({ ...FINE, ...counters({ verdicts: { ...zero, "limited-node": 5 } }) });
  for (let i = 0; i < 31; i++) monitor.look({ ...FINE, ...counters({ verdicts: { ...zero, "limited-node": 45 } }) });
  expect(log.at(-1)).toBe("info: limits no longer stop packets: 40 packets in all, 40 by --node-rate");
});

test("if systemd has opened the sockets, the advice is about its unit; an unknown receive buffer is no problem", () => {
  const texts = (sample: Partial<Sample>) => {
    const monitor = new Monitor();
    monitor.look({ ...FINE, ...sample });
    return monitor.problems.map(({ text }) => text);
  };
  const given = { kernelDrops: 1, receiveBuffer: { granted: 4, asked: 8 }, socketsGiven: true };
  expect(texts(given)).toEqual([
    expect.stringMatching(
      /: raise ReceiveBuffer= in the socket unit, or repeat ListenDatagram= there and raise --workers$/,
    ),
    expect.stringMatching(/: set ReceiveBuffer=8 in the socket unit$/),
  ]);
  expect(texts({ receiveBuffer: { granted: undefined, asked: 8 } })).toEqual([]);
});

test("errors of the journal are a problem, about which the journal writes the log", async () => {
  await keepLog();
  const monitor = new Monitor();
  const texts = () => monitor.problems.map(({ code, severity, text }) => `${code}, ${severity}: ${text}`);
  const disk = "look for errors in the log, and check that its disk is not full or slow";
  const failed = { ...FINE, ...journal({ errors: 2 }) };
  for (let i = 0; i < 10; i++) {
    monitor.look(failed);
    expect(texts()).toEqual([`journal-errors, warning: 2 errors of the journal: ${disk}`]);
  }
  for (let i = 10; i < 30; i++) {
    monitor.look(failed);
    expect(texts()).toEqual([
      "journal-errors, warning: 2 errors of the journal: it works again, and the log has the reason",
    ]);
  }
  monitor.look(failed);
  expect(texts()).toEqual([]);
  expect(log).toEqual([]);
  // While it is late, it does not work again.
  monitor.look({ ...FINE, ...journal({ errors: 3 }) });
  for (let i = 0; i < 15; i++) monitor.look({ ...FINE, ...journal({ errors: 3, lag: 5 }) });
  expect(texts()).toEqual([
    expect.stringMatching(/^journal-late, warning: /),
    `journal-errors, warning: 1 error of the journal: ${disk}`,
  ]);
});

test("a journal that could not be read yet is one problem, however late it is, until it was read", () => {
  const monitor = new Monitor();
  const unread = { ...FINE, restored: false, ...journal({ where: "redis://h:6379/0", lag: 12 }) };
  for (let i = 0; i < 40; i++) monitor.look(unread);
  expect(monitor.problems).toMatchObject([
    {
      code: "journal-errors",
      severity: "error",
      text: expect.stringMatching(/^the journal could not be read yet, .* check that Redis runs and/),
    },
  ]);
  monitor.look(FINE);
  expect(monitor.problems).toEqual([]);
});

test("each step of the clock is a line", async () => {
  await keepLog();
  const monitor = new Monitor();
  for (const clock of [0, undefined, 2000, -3000, undefined, -3000]) monitor.look({ ...FINE, clock });
  expect(log).toEqual([expect.stringContaining("set ahead by 2.0 s"), expect.stringContaining("set back by 5.0 s")]);
});

/** The parts of a server whose figures a test sets, as the health of the server sees them. */
async function healthOf(change: HealthChange, options: Partial<ResolvedServerOptions> = {}) {
  const all = { ...resolveOptions({ host: "127.0.0.1", port: 0, workers: 2 }), ...options };
  const { memory, control } = new Harness("ts");
  const { counters = COUNTERS, nodes = 0, restored = true, limited = [] } = change;
  const parts = {
    options: all,
    source: "127.1.2.3",
    memory,
    control: { lane: control.lane, capacity: 1000, nodes, counters: () => counters },
    clock: new Clock(),
    journaling: { restored, stats: () => ({ ...FINE.journal, ...change.journal }) },
    workers: { port: 1, addresses: [], inodes: [], listening: 2, missing: [], replaced: 0, ...change.workers },
    reports: { read() {}, limited: { list: () => limited } },
    global: { stats: () => ({ ...FINE.https, ...change.https }), missing: change.httpsMissing ?? 0 },
  };
  return await Health.start(parts as unknown as HealthParts);
}

interface HealthChange {
  readonly counters?: EngineCounters;
  readonly nodes?: number;
  readonly restored?: boolean;
  readonly limited?: readonly Pick<Limited, "kind" | "network">[];
  readonly journal?: Partial<Sample["journal"]>;
  readonly https?: Partial<HttpsStats>;
  readonly httpsMissing?: number;
  readonly workers?: Partial<Pick<WorkerPool, "missing" | "replaced" | "receiveBuffer" | "listening" | "xdp">>;
}

test("what the parts of a server report becomes its problems", async () => {
  const textsOf = async (...args: Parameters<typeof healthOf>) =>
    (await healthOf(...args)).problems.map(({ code, text }) => `${code}: ${text}`);
  expect(await textsOf({})).toEqual([]);
  const limited = [{ kind: "source", network: "192.0.2.7/32" }] as const;
  const cases: [Parameters<typeof healthOf>, string, string][] = [
    [[{ nodes: 1000 }], "registry-full", "1000 of 1000 nodes"],
    [[{ journal: { lag: 7 } }], "journal-late", "the journal is 7 s late"],
    [[{ journal: { errors: 3 } }], "journal-errors", "3 errors of the journal"],
    [[{ restored: false }], "journal-errors", "the journal could not be read yet"],
    [[{ journal: { noRoom: 3 } }], "journal-lossy", "3 announcements in the journal not taken"],
    [[{ journal: { bad: 3 } }], "journal-lossy", "3 batches of the journal skipped"],
    [[{ counters: stopped(40).counters!, limited }], "limits", "(most of 192.0.2.7/32)"],
    [[{ counters: wouldStop(40).counters! }, { limitDryRun: true }], "limits", "4 a second by --node-rate"],
    [[{ counters: { ...COUNTERS, unsent: 20 } }], "unsent", "refused to send 20 replies"],
    [[{ workers: { missing: [2] } }], "worker-missing", "1 of 2 workers not running: worker 2"],
    [[{ workers: { replaced: 1 } }], "worker-missing", "1 worker was replaced"],
    [[{ workers: { xdp: { ...XDP, problem: "no rights" } } }], "xdp", "does not serve all of eth0: no rights; "],
    [[{ workers: { xdp: { ...XDP, dropped: 9 } } }], "kernel-drops", "dropped 9 packets because a queue of eth0 or"],
    [[{ https: { devices: 7, capacity: 7 } }], "devices-full", "7 of 7 devices"],
    [[{ https: { displaced: 1 } }], "devices-full", "1 device gave way to new ones"],
    [[{ https: { threads: 1 }, httpsMissing: 1 }], "https-thread-missing", "1 of 2 threads for HTTPS requests"],
    [[{ workers: { receiveBuffer: 4 } }, { receiveBuffer: 8 }], "receive-buffer", "4 bytes, not of 8"],
    [
      [{ workers: { receiveBuffer: 4 } }, { sockets: [3], receiveBuffer: 8 }],
      "receive-buffer",
      "set ReceiveBuffer=8 in the socket unit",
    ],
  ];
  for (const [args, code, text] of cases) {
    const texts = await textsOf(...args);
    expect(texts, text).toEqual([expect.stringContaining(text)]);
    expect(texts[0]).toStartWith(`${code}: `);
  }
});

test("what the parts of a server report decides whether it is ready", async () => {
  const failed = async (change: HealthChange) => {
    const { ready, checks } = await (await healthOf(change)).readiness.check();
    return [ready, ...checks.filter(({ ok }) => !ok).map(({ name }) => name)];
  };
  expect(await failed({})).toEqual([true]);
  expect(await failed({ workers: { missing: [2] } })).toEqual([false, "workers"]);
  expect(await failed({ workers: { listening: 0 } })).toEqual([false, "sockets"]);
  expect(await failed({ restored: false })).toEqual([false, "journal"]);
});

test("a server looks at its parts and at the clock once a second", async () => {
  const workers = { missing: [] as number[] };
  const health = await healthOf({ workers });
  const { now } = performance;
  // Both clocks stand still, and are set.
  const began = performance.now();
  try {
    performance.now = () => began;
    setSystemTime(Date.now());
    workers.missing.push(1);
    health.tick();
    expect(health.problems).toEqual([]);
    performance.now = () => began + 1000;
    setSystemTime(Date.now() + 1000);
    health.tick();
    expect(health.problems).toMatchObject([{ code: "worker-missing" }]);
    performance.now = () => began + 4000;
    health.tick();
    expect(health.problems).toMatchObject([
      { code: "worker-missing" },
      { code: "clock", text: expect.stringContaining("set back by 3.0 s") },
    ]);
  } finally {
    performance.now = now;
    setSystemTime();
  }
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

test("a server is ready without its journal only after a minute, and not without its workers, sockets and probe", async () => {
  const sources = { workers: 2, listening: () => 2, missing: () => [] as number[], restored: () => true };
  const answered = { name: "probe", ok: true, text: "" };
  const fine = { ...sources, probe: async () => answered as ReadinessCheck };
  const result = async (change: Partial<typeof fine>) => {
    const { ready, checks } = await new ReadinessChecks({ ...fine, ...change }).check();
    return { ready, failed: checks.filter(({ ok }) => !ok) };
  };
  expect(await result({})).toEqual({ ready: true, failed: [] });
  expect(await result({ restored: () => false })).toEqual({
    ready: false,
    failed: [
      { name: "journal", ok: false, text: expect.stringMatching(/^the journal could not be read yet, .* in 60 s$/) },
    ],
  });
  expect(await result({ missing: () => [2] })).toEqual({
    ready: false,
    failed: [{ name: "workers", ok: false, text: "no heartbeat, or being replaced: worker 2" }],
  });
  expect(await result({ listening: () => 1 })).toEqual({ ready: true, failed: [] });
  expect(await result({ listening: () => 0 })).toEqual({
    ready: false,
    failed: [{ name: "sockets", ok: false, text: "0 of 2 workers have their sockets open" }],
  });
  const silent: ReadinessCheck = { name: "probe", ok: false, text: "no answer" };
  expect(await result({ probe: async () => silent })).toEqual({ ready: false, failed: [silent] });

  const { now } = performance;
  let later = 0;
  performance.now = () => now.call(performance) + later;
  try {
    const afterwards = async (ms: number) => {
      later = 0;
      const checks = new ReadinessChecks({ ...fine, restored: () => false });
      later = ms;
      const { ready, checks: all } = await checks.check();
      return { ready, text: all.find(({ name }) => name === "journal")!.text };
    };
    expect(await afterwards(30_000)).toEqual({ ready: false, text: expect.stringMatching(/ (30|29) s$/) });
    expect(await afterwards(60_000)).toEqual({
      ready: true,
      text: expect.stringMatching(/^the journal could not be read yet, .* are known$/),
    });
  } finally {
    performance.now = now;
  }
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
  // The kernel's counter has 32 bits.
  const others = new KernelQueues(22025, () => [14], [file]);
  await write(line("0100007F:5609", 14, "00000000", 2 ** 32 - 6));
  await others.read();
  await write(line("0100007F:5609", 14, "00000000", 4));
  await others.read();
  expect(others.drops).toBe(10);
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

test("a thread for requests that ends is a problem until another one runs in its place", async () => {
  using folder = new Folder();
  using threads = new Threads();
  const files = { httpsCert: folder.at("cert.pem"), httpsKey: folder.at("key.pem") };
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, https: "127.0.0.1:0", ...files });
  const { threads: started } = server.stats().https;
  expect(server.problems().filter(({ code }) => code === "https-thread-missing")).toEqual([]);
  threads.https.at(-1)!.terminate();
  await until(() => server.stats().https.threads === started - 1, "the end of the thread");
  await until(() => server.problems().some(({ code }) => code === "https-thread-missing"), "the problem");
  await until(() => server.stats().https.threads === started, "another thread");
  expect(server.stats().https.replaced).toBe(1);
});
