/** Made-up replies of the admin server's API, for tests of the page without a server. */
import { version } from "../../../package.json";
import type { HistoryReply, LimitedKey, StatsEvent, StatsReply } from "../../../src/admin/index.ts";
import { VERDICTS, type Verdict } from "../../../src/engine/index.ts";
import { noHttpsStats } from "../../support/https-stats.ts";

/** Statistics of a server that has been up for `uptime` seconds and answered 1000 queries a second. */
export function madeUpStats(uptime: number, workers = 1, changes: Partial<StatsReply> = {}): StatsReply {
  const perSecond: Partial<Record<Verdict, number>> = { answered: 1000, unknown: 120, stored: 3, refreshed: 90 };
  const verdicts = Object.fromEntries(VERDICTS.map((name) => [name, (perSecond[name] ?? 0) * uptime]));
  const received = Object.values(verdicts).reduce((sum, n) => sum + n, 0);
  const startedAt = Date.UTC(2026, 0, 31, 12);
  return {
    version,
    startedAt: new Date(startedAt).toISOString(),
    at: new Date(startedAt + uptime * 1000).toISOString(),
    ready: true,
    problems: [],
    listening: ["192.0.2.1:22025", "[2001:db8::1]:22025"],
    transport: "mmsg",
    xdp: null,
    kernelDrops: 0,
    receiveQueue: 0,
    process: { residentBytes: 210e6, cpuSeconds: uptime * 0.4 },
    limits: {
      ...{ sourceRate: 250, sourceBurst: 300, nodeRate: 100_000, nodeBurst: 100_000, newRate: 2, newBurst: 1000 },
      dryRun: false,
    },
    received,
    verdicts: verdicts as StatsReply["verdicts"],
    dryRun: { "limited-source": 0, "limited-node": 0, "limited-new": 0 },
    displaced: 0,
    unsent: 0,
    socketErrors: 0,
    nodes: 412_345,
    capacity: 1_000_000,
    https: noHttpsStats(),
    workers,
    perWorker: Array.from({ length: workers }, (_, i) => ({
      number: i + 1,
      running: true,
      engine: "wasm" as const,
      received: received / workers,
      heartbeats: 10 * uptime,
      silence: 0.1,
      cpuSeconds: (uptime * 0.35) / workers,
      replaced: 0,
    })),
    replaced: 0,
    uptime,
    batches: { bounds: [], counts: [0], sum: 0 },
    limiter: [],
    journal: {
      ...{
        where: "/var/lib/whereabouts/registry.db",
        read: true,
        restored: 400_000,
        devicesRestored: 0,
        devicesNoRoom: 0,
        restoreSeconds: 1.2,
        appended: 93 * uptime,
      },
      ...{ merged: 0, noRoom: 0, ahead: 0, bad: 0, errors: 0, lag: 0.2 },
      appends: { bounds: [], counts: [0], sum: 0 },
    },
    ...changes,
  };
}

/** Statistics of Syncthing's global discovery, of a server that has been up for `uptime` seconds. */
export function madeUpHttps(uptime: number): StatsReply["https"] {
  const none = noHttpsStats();
  const requests = { ...none.requests };
  const perSecond = [30, 12, 0.5, 4, 0.25, 0.5, 0.25, 0.25, 2, 0, 0.5, 1, 0.25, 0];
  for (const [i, result] of (Object.keys(requests) as (keyof typeof requests)[]).entries()) {
    requests[result] = Math.round(perSecond[i]! * uptime);
  }
  return {
    ...none,
    ...{ devices: 2360, addresses: 7080, capacity: 5000, threads: 2, connections: 112, requests },
    ...{ handshakes: 3 * uptime, failedHandshakes: 17, slow: 20, crowded: 3, invalid: 1 },
  };
}

export function madeUpEvent(stats: StatsReply, limited: readonly LimitedKey[] = []): StatsEvent {
  return { stats, limited };
}

/**
 * The last hour up to `until`, in ms, in intervals of 10 s; the server started `known` intervals before. `totals` are those
 * of the made-up statistics of that time.
 */
export function madeUpHistory(until: number, known = 360): HistoryReply {
  const of = <T>(value: (i: number) => T) => Array.from({ length: 360 }, (_, i) => (i < 360 - known ? null : value(i)));
  const wave = (i: number) => 1 + 0.3 * Math.sin(i / 40) + 0.05 * Math.sin(i * 1.7);
  const perInterval: Partial<Record<Verdict, number>> = { answered: 10_000, unknown: 1200, stored: 30, refreshed: 900 };
  return {
    interval: 10,
    until: new Date(until).toISOString(),
    verdictNames: VERDICTS,
    totals: Object.values(madeUpStats((until - Date.UTC(2026, 0, 31, 12)) / 1000).verdicts),
    verdicts: of((i) => VERDICTS.map((name) => Math.round((perInterval[name] ?? 0) * wave(i)))),
    nodes: of((i) => 400_000 + Math.round(34 * i)),
    devices: of((i) => 2000 + i),
    journalLag: of((i) => 0.2 + 0.05 * Math.sin(i)),
    kernelDrops: of(() => 0),
  };
}
