/**
 * `bun run bench:journal`: what journals cost and how fast they are. Linux, with redis-server: it reads /proc. Each part is printed
 * when it is done; --only takes some: lock, restore, flush, cluster, outage, cost.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort, median, type RedisProcess, startRedis } from "../server/process.ts";
import { type ClusterFigures, type CostFigures, clusterDelay, cost } from "./cluster.ts";
import { flushFigures } from "./flush.ts";
import { lockFigures } from "./lock.ts";
import { outage } from "./outage.ts";
import { fillJournal, restoreSeconds } from "./restore.ts";

const PARTS = ["lock", "restore", "flush", "cluster", "outage", "cost"] as const;
type Part = (typeof PARTS)[number];
const USAGE = `usage: bun run bench:journal [--only ${PARTS.join("|")}] [--nodes N] [--rate N] [--seconds N] [--rounds N] [--json]`;

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true },
        nodes: { type: "string", default: "1000000" },
        rate: { type: "string", default: "5000" },
        seconds: { type: "string", default: "10" },
        rounds: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
      },
    });
    const only = (values.only ?? PARTS) as Part[];
    const numbers = [values.nodes, values.rate, values.seconds, values.rounds].map(Number);
    if (!only.every((part) => PARTS.includes(part)) || !numbers.every((n) => Number.isInteger(n) && n > 0)) throw USAGE;
    const [nodes, rate, seconds, rounds] = numbers as [number, number, number, number];
    return { only, nodes, rate, seconds, rounds, json: values.json };
  } catch {
    console.error(USAGE);
    process.exit(2);
  }
}

const { only, nodes, rate, seconds, rounds, json } = parse();
if (!existsSync("/proc/self/stat") || Bun.which("redis-server") === null) {
  console.error("bench:journal needs /proc and redis-server");
  process.exit(1);
}
const results: Partial<Record<Part, unknown>> = {};
const say = (line: string) => {
  if (!json) console.log(line);
};
const folder = mkdtempSync(join(tmpdir(), "whereabouts-"));
const withRedis = async <T>(run: (redis: RedisProcess) => Promise<T>): Promise<T> => {
  await using redis = await startRedis(folder, freePort());
  return await run(redis);
};
say(`Bun ${Bun.version}, ${navigator.hardwareConcurrency} processors`);

const run: Record<Part, () => Promise<unknown>> = {
  async lock() {
    say("\nlock: a shard is locked for a listing of 32 entries, microseconds; an entry listed or merged, nanoseconds");
    const rows = (["wasm", "ts"] as const).flatMap((backend) =>
      [64, 1008].map((maxId) => lockFigures(backend, maxId, maxId === 64 ? nodes : Math.min(nodes, 1_000_000))),
    );
    for (const it of rows) {
      say(
        `  ${it.backend.padEnd(4)}  NodeIDs of ${it.idLength}, ${it.nodes} nodes: median ${it.medianUs.toFixed(1)}, 99 % ${it.p99Us.toFixed(1)}; listed ${it.listNs.toFixed(0)}, merged ${it.mergeNs.toFixed(0)}`,
      );
    }
    return rows;
  },
  async restore() {
    say(`\nrestore: a server starts with ${nodes} nodes, seconds of ${rounds} rounds`);
    const path = join(folder, "restore.db");
    await fillJournal(`sqlite:${path}`, nodes);
    const sqlite = await restoreSeconds(`sqlite:${path}`, nodes, rounds);
    say(`  sqlite  ${sqlite.map((it) => it.toFixed(2)).join(", ")}; median ${median(sqlite).toFixed(2)}`);
    const redis = await withRedis(async ({ url }) => {
      await fillJournal(url, nodes);
      return await restoreSeconds(url, nodes, rounds);
    });
    say(`  redis   ${redis.map((it) => it.toFixed(2)).join(", ")}; median ${median(redis).toFixed(2)}`);
    return { nodes, sqlite, redis };
  },
  async flush() {
    say("\nflush: replies while 100,000 announcements are written to SQLite at once, milliseconds");
    const it = await flushFigures(join(folder, "flush.db"), 100_000);
    say(
      `  ${it.replies} replies: median ${it.medianMs.toFixed(2)}, worst ${it.worstMs.toFixed(1)} (without a flush ${it.restMs.toFixed(1)}), ${it.lost} lost`,
    );
    return it;
  },
  async cluster() {
    say(`\ncluster: three servers, ${rate} announcements a second: until another one answers, milliseconds`);
    const it: ClusterFigures = await withRedis((redis) => clusterDelay(redis, rate, seconds));
    say(`  median ${it.medianMs.toFixed(0)}, 99 % ${it.p99Ms.toFixed(0)}, of ${it.probes}`);
    return it;
  },
  async outage() {
    const away = 2 * seconds;
    say(
      `\noutage: Redis is away for ${away} s under ${rate} announcements a second, and comes back empty; seconds from then`,
    );
    const port = freePort();
    const it = await outage(() => startRedis(folder, port), rate, away);
    say(`  three servers know all nodes ${it.allKnow.toFixed(1)}, one that joins ${it.joinerKnows.toFixed(1)}`);
    return it;
  },
  async cost() {
    say(`\ncost: microseconds of processor an announcement, at ${rate} a second; bytes of Redis's memory`);
    const rows: CostFigures[] = [await cost("memory", rate, seconds)];
    rows.push(await cost(`sqlite:${join(folder, "cost.db")}`, rate, seconds));
    rows.push(await withRedis((redis) => cost(redis.url, rate, seconds, redis)));
    for (const it of rows) {
      const others =
        it.journal === "redis"
          ? `, Redis ${it.redis.toFixed(2)}, each server that follows ${it.follower.toFixed(2)}; ${it.redisBytes.toFixed(0)} bytes`
          : "";
      say(`  ${it.journal.padEnd(6)}  the server itself ${it.server.toFixed(2)}${others}`);
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
