/**
 * `bun run bench:journal`: what journals cost and how fast they are. Each part is printed when it is done. Linux, with
 * redis-server.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameOf, optionsOf, someOf, toggle, wholeNumber } from "../options.ts";
import { freePort } from "../processes.ts";
import { median } from "../statistics.ts";
import { type ClusterFigures, type CostFigures, clusterDelay, cost } from "./cluster.ts";
import { flushFigures } from "./flush.ts";
import { lockFigures } from "./lock.ts";
import { outage } from "./outage.ts";
import { type RedisProcess, startRedis } from "./processes.ts";
import { fillJournal, restoreSeconds } from "./restore.ts";

const PARTS = ["lock", "restore", "flush", "cluster", "outage", "cost"] as const;
type Part = (typeof PARTS)[number];

const program = {
  command: "bun run bench:journal",
  about: "What journals cost and how fast they are. Needs Linux (/proc) and redis-server on the PATH.",
  flags: {
    only: someOf({
      names: PARTS,
      value: "<parts>",
      default: PARTS,
      help: `parts to run, separated by commas (default: all)
lock: how long a shard is locked while its entries are listed
restore: how fast a server restores its nodes when it starts
flush: reply times while many announcements are written at once
cluster: how soon another server knows a node, through Redis
outage: how soon all servers know all nodes after Redis was down
cost: processor time per announcement, without a journal, with SQLite and with Redis`,
    }),
    nodes: wholeNumber({ min: 1, max: 10_000_000, default: 1_000_000, help: "nodes, for lock and restore" }),
    rate: wholeNumber({
      min: 1,
      max: 1_000_000,
      default: 5_000,
      help: "announcements per second, for cluster, outage and cost",
    }),
    seconds: wholeNumber({
      min: 1,
      max: 3_600,
      default: 10,
      help: "length of each measurement, for cluster, outage and cost",
    }),
    rounds: wholeNumber({ min: 1, max: 1_000, default: 3, help: "server starts, for restore" }),
    json: toggle("print one line of JSON"),
  },
} as const;

const { only, nodes, rate, seconds, rounds, json } = optionsOf(program);
if (!existsSync("/proc/self/stat") || Bun.which("redis-server") === null) {
  console.error(`${nameOf(program)}: needs Linux (/proc) and redis-server on the PATH`);
  process.exit(1);
}
const results: Partial<Record<Part, unknown>> = {};
const report = (line: string) => {
  if (!json) console.log(line);
};
const folder = mkdtempSync(join(tmpdir(), "whereabouts-"));
const withRedis = async <T>(run: (redis: RedisProcess) => Promise<T>): Promise<T> => {
  await using redis = await startRedis(folder, freePort());
  return await run(redis);
};
report(`Bun ${Bun.version}, ${navigator.hardwareConcurrency} processors`);

const run: Record<Part, () => Promise<unknown>> = {
  async lock() {
    report(
      "\nlock: microseconds that a shard is locked while 32 entries are listed; nanoseconds per entry listed and merged",
    );
    const rows = (["wasm", "ts"] as const).flatMap((backend) =>
      [64, 1008].map((maxId) => lockFigures(backend, maxId, maxId === 64 ? nodes : Math.min(nodes, 1_000_000))),
    );
    for (const row of rows) {
      report(
        `  ${row.backend.padEnd(4)}  NodeIDs of ${row.idLength} bytes, ${row.nodes} nodes: median ${row.medianUs.toFixed(1)}, 99 % ${row.p99Us.toFixed(1)}; listed ${row.listNs.toFixed(0)}, merged ${row.mergeNs.toFixed(0)}`,
      );
    }
    return rows;
  },
  async restore() {
    report(`\nrestore: seconds to restore ${nodes} nodes at start, ${rounds} rounds`);
    const path = join(folder, "restore.db");
    await fillJournal(`sqlite:${path}`, nodes);
    const sqlite = await restoreSeconds(`sqlite:${path}`, nodes, rounds);
    report(`  sqlite  ${sqlite.map((s) => s.toFixed(2)).join(", ")}; median ${median(sqlite).toFixed(2)}`);
    const redis = await withRedis(async ({ url }) => {
      await fillJournal(url, nodes);
      return await restoreSeconds(url, nodes, rounds);
    });
    report(`  redis   ${redis.map((s) => s.toFixed(2)).join(", ")}; median ${median(redis).toFixed(2)}`);
    return { nodes, sqlite, redis };
  },
  async flush() {
    report("\nflush: milliseconds per reply while 100,000 announcements are written to SQLite at once");
    const figures = await flushFigures(join(folder, "flush.db"), 100_000);
    report(
      `  ${figures.replies} replies: median ${figures.medianMs.toFixed(2)}, worst ${figures.worstMs.toFixed(1)} (worst without a flush ${figures.restMs.toFixed(1)}), ${figures.lost} lost`,
    );
    return figures;
  },
  async cluster() {
    report(`\ncluster: milliseconds until another of three servers knows a node, at ${rate} announcements per second`);
    const figures: ClusterFigures = await withRedis((redis) => clusterDelay(redis, rate, seconds));
    report(`  median ${figures.medianMs.toFixed(0)}, 99 % ${figures.p99Ms.toFixed(0)}, of ${figures.probes} probes`);
    return figures;
  },
  async outage() {
    const down = 2 * seconds;
    report(
      `\noutage: Redis is down for ${down} s at ${rate} announcements per second and comes back empty; seconds from then`,
    );
    const port = freePort();
    const figures = await outage(() => startRedis(folder, port), rate, down);
    report(
      `  until three servers know all nodes ${figures.allKnow.toFixed(1)}, until a new server does ${figures.joinerKnows.toFixed(1)}`,
    );
    return figures;
  },
  async cost() {
    report(
      `\ncost: microseconds of processor per announcement, at ${rate} per second; bytes of Redis's memory per announcement`,
    );
    const rows: CostFigures[] = [await cost("memory", rate, seconds)];
    rows.push(await cost(`sqlite:${join(folder, "cost.db")}`, rate, seconds));
    rows.push(await withRedis((redis) => cost(redis.url, rate, seconds, redis)));
    for (const row of rows) {
      const others =
        row.journal === "redis"
          ? `, Redis ${row.redis.toFixed(2)}, each other server ${row.follower.toFixed(2)}; ${row.redisBytes.toFixed(0)} bytes`
          : "";
      report(`  ${row.journal.padEnd(6)}  server ${row.server.toFixed(2)}${others}`);
    }
    return rows;
  },
};

try {
  for (const part of PARTS) if (only.includes(part)) results[part] = await run[part]();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (json) console.log(JSON.stringify({ bun: Bun.version, processors: navigator.hardwareConcurrency, ...results }));
