/** /metrics: the text format, the names, and counters that add up. */
import { expect, test } from "bun:test";
import { version } from "../../package.json";
import type { StatsReply } from "../../src/admin/index.ts";
import { renderMetrics } from "../../src/admin/metrics/index.ts";
import {
  type DiscoveryServer,
  type HttpsStats,
  type Limited,
  PROBLEM_CODES,
  type ServerStats,
} from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { until } from "../support/time-limits.ts";
import { Site, withMethods } from "./site.ts";

/** The samples of a scrape: `name{labels}` and the value. */
function samplesOf(text: string): Map<string, number> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))] as const),
  );
}

function total(samples: ReadonlyMap<string, number>, name: string): number {
  return [...samples].filter(([key]) => key.startsWith(`${name}{`)).reduce((sum, [, value]) => sum + value, 0);
}

/** Statistics in which every value is set, and no two counters are equal. */
async function fullStats(site: Site): Promise<ServerStats> {
  const stats = site.server.stats();
  const histogram = { bounds: [1, 8, 64], counts: [5, 0, 2, 1], sum: 321 };
  const verdicts = Object.keys(stats.verdicts).map((name, i) => [name, 1001 + i]);
  const requests = Object.keys(stats.https.requests).map((name, i) => [name, 2001 + i]);
  return {
    ...stats,
    received: 500,
    verdicts: Object.fromEntries(verdicts) as ServerStats["verdicts"],
    dryRun: { "limited-source": 501, "limited-node": 502, "limited-new": 503 },
    displaced: 504,
    unsent: 505,
    socketErrors: 506,
    nodes: 507,
    capacity: 508,
    replaced: 509,
    kernelDrops: 17,
    receiveQueue: 4096,
    xdp: {
      ...{ interface: "eth0", mode: "native", queues: 4, served: 3, problem: "queue 3: it is in use" },
      ...{ received: 801, sent: 802, damaged: 803, dropped: 804 },
    },
    batches: histogram,
    limiter: [{ limit: "queries", key: "network-ipv6", slots: 100, used: 40, crowded: 2 }],
    perWorker: [
      {
        number: 1,
        running: true,
        engine: "wasm",
        received: 30,
        heartbeats: 9,
        silence: 0,
        cpuSeconds: 1.5,
        replaced: 2,
      },
      {
        number: 2,
        running: false,
        engine: "ts",
        received: 12,
        heartbeats: 8,
        silence: 3,
        cpuSeconds: undefined,
        replaced: 0,
      },
    ],
    journal: {
      ...stats.journal,
      appended: 601,
      merged: 602,
      noRoom: 603,
      ahead: 604,
      bad: 605,
      errors: 606,
      lag: 0.25,
      appends: { bounds: [0.001, 0.1], counts: [1, 2, 3], sum: 7 },
    },
    https: {
      devices: 701,
      addresses: 702,
      capacity: 703,
      displaced: 704,
      threads: 705,
      replaced: 706,
      connections: 707,
      requests: Object.fromEntries(requests) as HttpsStats["requests"],
      handshakes: 708,
      failedHandshakes: 709,
      slow: 710,
      idle: 713,
      crowded: 711,
      invalid: 712,
    },
  };
}

test("has every value of the statistics, and no IP or NodeID in a label; histograms count what is below each bound", async () => {
  await using site = await Site.start();
  const stats = await fullStats(site);
  const problems = () => [
    { code: "limits" as const, severity: "warning" as const, text: "", since: 0 },
    { code: "unsent" as const, severity: "error" as const, text: "", since: 0 },
  ];
  const key = { network: undefined, nodeId: undefined, stopped: 1, rate: 1, since: 0, dryRun: false };
  const source = { ...key, kind: "source", network: "192.0.2.77/32", option: "sourceRate" } as const;
  const limited = (): Limited[] => [
    { ...source, limit: "queries" },
    { ...source, limit: "queries", network: "192.0.2.78/32" },
    { ...source, limit: "new" },
    { ...source, limit: "node", nodeId: ascii("SOMEBODY") },
    { ...source, limit: "queries", kind: "network", network: "198.51.100.0/24" },
    { ...key, kind: "node", limit: "node", option: "nodeRate", nodeId: ascii("SOMEBODY") },
  ];
  const options = { ...site.server.options, engine: ["wasm", "ts"], transport: "mmsg" } as DiscoveryServer["options"];
  const server = withMethods(site.server, {
    stats: () => stats,
    problems,
    limited,
    options,
  } as Partial<DiscoveryServer>);
  const text = await renderMetrics(server, true);
  const samples = samplesOf(text);
  const expected = {
    whereabouts_received_total: 500,
    ...Object.fromEntries(
      Object.entries(stats.verdicts).map(([verdict, n]) => [`whereabouts_packets_total{verdict="${verdict}"}`, n]),
    ),
    'whereabouts_dry_run_total{limit="limited-source"}': 501,
    'whereabouts_dry_run_total{limit="limited-node"}': 502,
    'whereabouts_dry_run_total{limit="limited-new"}': 503,
    whereabouts_displaced_total: 504,
    whereabouts_replies_unsent_total: 505,
    whereabouts_socket_errors_total: 506,
    whereabouts_kernel_drops_total: 17,
    'whereabouts_xdp_attached{interface="eth0",mode="native"}': 1,
    'whereabouts_xdp_attached{interface="eth0",mode="generic"}': 0,
    whereabouts_xdp_queues: 4,
    whereabouts_xdp_queues_served: 3,
    whereabouts_xdp_received_total: 801,
    whereabouts_xdp_sent_total: 802,
    whereabouts_xdp_damaged_total: 803,
    whereabouts_xdp_dropped_total: 804,
    whereabouts_receive_queue_bytes: 4096,
    'whereabouts_batch_packets_bucket{le="1"}': 5,
    'whereabouts_batch_packets_bucket{le="8"}': 5,
    'whereabouts_batch_packets_bucket{le="64"}': 7,
    'whereabouts_batch_packets_bucket{le="+Inf"}': 8,
    whereabouts_batch_packets_count: 8,
    whereabouts_batch_packets_sum: 321,
    whereabouts_registry_nodes: 507,
    whereabouts_registry_capacity: 508,
    'whereabouts_limiter_slots{limit="queries",key="network-ipv6"}': 100,
    'whereabouts_limiter_slots_used{limit="queries",key="network-ipv6"}': 40,
    'whereabouts_limiter_sets_crowded{limit="queries",key="network-ipv6"}': 2,
    'whereabouts_limited_keys{kind="source",limit="queries"}': 2,
    'whereabouts_limited_keys{kind="source",limit="announcements"}': 0,
    'whereabouts_limited_keys{kind="source",limit="new"}': 1,
    'whereabouts_limited_keys{kind="source",limit="node"}': 1,
    'whereabouts_limited_keys{kind="network",limit="queries"}': 1,
    'whereabouts_limited_keys{kind="network",limit="announcements"}': 0,
    'whereabouts_limited_keys{kind="network",limit="new"}': 0,
    'whereabouts_limited_keys{kind="network",limit="node"}': 0,
    'whereabouts_limited_keys{kind="node",limit="node"}': 1,
    whereabouts_journal_lag_seconds: 0.25,
    whereabouts_journal_appended_total: 601,
    whereabouts_journal_merged_total: 602,
    whereabouts_journal_no_room_total: 603,
    whereabouts_journal_ahead_total: 604,
    whereabouts_journal_bad_batches_total: 605,
    whereabouts_journal_errors_total: 606,
    'whereabouts_journal_append_seconds_bucket{le="0.001"}': 1,
    'whereabouts_journal_append_seconds_bucket{le="0.1"}': 3,
    'whereabouts_journal_append_seconds_bucket{le="+Inf"}': 6,
    whereabouts_journal_append_seconds_count: 6,
    whereabouts_journal_append_seconds_sum: 7,
    'whereabouts_worker_packets_total{worker="1"}': 30,
    'whereabouts_worker_packets_total{worker="2"}': 12,
    'whereabouts_worker_heartbeats_total{worker="1"}': 9,
    'whereabouts_worker_heartbeats_total{worker="2"}': 8,
    'whereabouts_worker_cpu_seconds_total{worker="1"}': 1.5,
    'whereabouts_worker_replaced_total{worker="1"}': 2,
    'whereabouts_worker_replaced_total{worker="2"}': 0,
    'whereabouts_worker_running{worker="1"}': 1,
    'whereabouts_worker_running{worker="2"}': 0,
    whereabouts_workers_replaced_total: 509,
    whereabouts_https_devices: 701,
    whereabouts_https_addresses: 702,
    whereabouts_https_capacity: 703,
    whereabouts_https_displaced_total: 704,
    ...Object.fromEntries(
      Object.entries(stats.https.requests).map(([result, n]) => [
        `whereabouts_https_requests_total{result="${result}"}`,
        n,
      ]),
    ),
    'whereabouts_https_handshakes_total{result="done"}': 708,
    'whereabouts_https_handshakes_total{result="failed"}': 709,
    whereabouts_https_connections: 707,
    'whereabouts_https_connections_closed_total{reason="slow"}': 710,
    'whereabouts_https_connections_closed_total{reason="idle"}': 713,
    'whereabouts_https_connections_closed_total{reason="crowded"}': 711,
    'whereabouts_https_connections_closed_total{reason="invalid"}': 712,
    whereabouts_https_threads: 705,
    whereabouts_https_threads_replaced_total: 706,
    ...Object.fromEntries(
      PROBLEM_CODES.map((code) => [
        `whereabouts_problem{code="${code}"}`,
        Number(code === "limits" || code === "unsent"),
      ]),
    ),
    whereabouts_ready: 1,
    [`whereabouts_build_info{version="${version}",bun="${Bun.version}",engine="wasm+ts",transport="mmsg"}`]: 1,
  };
  // Nothing else, so no label has an IP or a NodeID.
  expect(Object.fromEntries([...samples].filter(([name]) => !name.startsWith("process_")))).toEqual(expected);
  expect(samplesOf(await renderMetrics(site.server, false)).get("whereabouts_ready")).toBe(0);

  // What the system does not report is left out, with its description.
  const less = await renderMetrics(
    withMethods(site.server, { stats: () => ({ ...stats, kernelDrops: undefined, xdp: undefined }) }),
    true,
  );
  expect(less).not.toMatch(/kernel_drops|_xdp_/);
});

test("figures of the process are right", async () => {
  await using site = await Site.start();
  const samples = samplesOf(await (await site.get("/metrics")).text());
  const { user, system } = process.cpuUsage();
  const cpu = samples.get("process_cpu_seconds_total")!;
  expect(cpu).toBeGreaterThan(0);
  expect(cpu).toBeLessThanOrEqual((user + system) / 1e6);
  const sum = samples.get("process_cpu_user_seconds_total")! + samples.get("process_cpu_system_seconds_total")!;
  expect(cpu).toBeCloseTo(sum, 6);
  expect(samples.get("process_start_time_seconds")! * 1000).toBeLessThan(Date.now());
  expect(
    Math.abs(samples.get("process_start_time_seconds")! * 1000 - (Date.now() - process.uptime() * 1000)),
  ).toBeLessThan(30_000);
  expect(samples.get("process_resident_memory_bytes")!).toBeGreaterThan(10e6);
  if (process.platform !== "linux") return;
  expect(samples.get("process_open_fds")!).toBeGreaterThan(3);
  expect(samples.get("process_max_fds")!).toBeGreaterThan(samples.get("process_open_fds")!);
});

test("counters add up within each scrape while packets come in, and agree with the statistics", async () => {
  await using site = await Site.start({}, { probe: false });
  const client = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  let sent = 0;
  let scrapes = 0;
  const check = async () => {
    const samples = samplesOf(await (await site.get("/metrics")).text());
    const received = samples.get("whereabouts_received_total")!;
    expect(total(samples, "whereabouts_packets_total")).toBe(received);
    expect(total(samples, "whereabouts_worker_packets_total")).toBe(received);
    scrapes++;
    return received;
  };
  const packets = [announcement(ascii("node"), 1), query(ascii("node")), query(ascii("nobody")), ascii("garbage")];
  const sending = (async () => {
    while (scrapes < 3) {
      for (const packet of packets) client.send(packet, site.server.port, "127.0.0.1");
      sent += packets.length;
      // No more than what the receive buffer has room for while a busy machine does not run the server.
      await Bun.sleep(5);
    }
  })();
  for (let last = -1; scrapes < 3; ) {
    const received = await check();
    expect(received).toBeGreaterThanOrEqual(last);
    last = received;
    // The next scrape has another reading.
    await Bun.sleep(260);
  }
  await sending;
  await until(() => site.server.stats().received === sent, "all packets");
  await Bun.sleep(260);
  const samples = samplesOf(await (await site.get("/metrics")).text());
  const { received, verdicts, nodes } = (await (await site.get("/api/stats")).json()) as StatsReply;
  expect([received, nodes]).toEqual([sent, 1]);
  expect(samples.get("whereabouts_received_total")).toBe(sent);
  for (const [verdict, count] of Object.entries(verdicts)) {
    expect(samples.get(`whereabouts_packets_total{verdict="${verdict}"}`)).toBe(count);
  }
  client.close();
});

test("counters add up and never fall when a worker dies and is replaced", async () => {
  using threads = new Threads();
  await using site = await Site.start({}, { probe: false });
  await using client = await Client.open(site.server.port);
  const scrape = async () => samplesOf(await renderMetrics(site.server, true));
  const counters = (samples: ReadonlyMap<string, number>) =>
    [...samples].filter(([name]) => /^whereabouts_\w+_total/.test(name));
  client.send(announcement(ascii("A"), 1));
  let before = await scrape();
  for (let round = 1; round <= 2; round++) {
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    threads.list.at(-1)!.terminate();
    await until(() => site.server.stats().replaced === round, "another worker");
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    const after = await scrape();
    for (const [name, value] of counters(before)) expect(after.get(name)!, name).toBeGreaterThanOrEqual(value);
    expect(after.get("whereabouts_received_total")).toBe(1 + 2 * round);
    expect(total(after, "whereabouts_packets_total")).toBe(1 + 2 * round);
    expect(total(after, "whereabouts_worker_packets_total")).toBe(1 + 2 * round);
    expect(total(after, "whereabouts_worker_replaced_total")).toBe(round);
    before = after;
  }
});

testIf(Bun.which("promtool") !== null, "needs promtool, of the package prometheus")(
  "promtool accepts the metrics",
  async () => {
    await using site = await Site.start();
    const stats = await fullStats(site);
    const text = await renderMetrics(withMethods(site.server, { stats: () => stats }), true);
    const child = Bun.spawn(["promtool", "check", "metrics"], {
      stdin: Buffer.from(text),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect({ out, err, code }).toEqual({ out: "", err: "", code: 0 });
  },
);
