/** Three servers on one Redis: when the others answer for a node, and what an announcement costs whom. */
import { join } from "node:path";
import { createCodec } from "../../src/codec/index.ts";
import {
  processorTime,
  quantile,
  type RedisProcess,
  residentBytes,
  type ServerProcess,
  startServer,
} from "../server/process.ts";

const LOAD = join(import.meta.dir, "load.ts");
const codec = createCodec();

async function load(rate: number, seconds: number, nodes: number, ports: readonly number[]): Promise<number> {
  const args = [rate, seconds, nodes, ...ports].map(String);
  const child = Bun.spawn([process.execPath, LOAD, ...args], { stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await child.stdout.text()).sent;
}

/** Milliseconds from the announcement of a new node to one server to the answer of another, again and again until `end`. */
async function delays(servers: readonly ServerProcess[], end: Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  let over = false;
  void end.then(() => {
    over = true;
  });
  let heard = false;
  let awaited: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      // An answer to an earlier probe may still come.
      data(_socket, reply) {
        const answer = codec.tryDecode(reply);
        heard ||= answer.ok && Bun.deepEquals(answer.packet.nodeId, awaited);
      },
      error() {},
    },
  });
  for (let probe = 0; !over; probe++) {
    const nodeId = new TextEncoder().encode(`PROBE-${probe}-${"A".repeat(40)}`);
    const [one, other] = [servers[probe % servers.length]!, servers[(probe + 1) % servers.length]!];
    awaited = nodeId;
    heard = false;
    const began = performance.now();
    socket.send(codec.encode({ type: "announcement", nodeId, port: 1, ip: new Uint8Array(0) }), one.port, "127.0.0.1");
    while (!heard && performance.now() - began < 5000) {
      await Bun.sleep(2);
      socket.send(codec.encode({ type: "query", nodeId }), other.port, "127.0.0.1");
    }
    found.push(performance.now() - began);
    // Not in step with what the servers do every 250 ms.
    await Bun.sleep(Math.random() * 250);
  }
  socket.close();
  return found;
}

export interface ClusterFigures {
  readonly rate: number;
  readonly sent: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly probes: number;
}

/** How soon the others answer for what is announced to one of three servers, under `rate` announcements a second in all. */
export async function clusterDelay(redis: RedisProcess, rate: number, seconds: number): Promise<ClusterFigures> {
  const servers = await Promise.all([1, 2, 3].map(() => startServer(redis.url, ["--capacity", "200000"])));
  try {
    const done = load(
      rate,
      seconds,
      100_000,
      servers.map(({ port }) => port),
    );
    const ms = await delays(servers, done);
    return { rate, sent: await done, medianMs: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99), probes: ms.length };
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

export interface CostFigures {
  readonly journal: string;
  readonly announcements: number;
  /** Microseconds of processor an announcement: the server that it is made to, Redis, and a server that hears of it. */
  readonly server: number;
  readonly redis: number;
  readonly follower: number;
  /** Bytes of Redis's memory. */
  readonly redisBytes: number;
}

/** What each announcement costs, of `rate` a second to one server; others follow where there is a Redis. */
export async function cost(journal: string, rate: number, seconds: number, redis?: RedisProcess): Promise<CostFigures> {
  await using server = await startServer(journal, ["--capacity", "200000"]);
  await using follower = redis ? await startServer(journal, ["--capacity", "200000"]) : undefined;
  await load(rate, 1, 100_000, [server.port]);
  await Bun.sleep(1000);
  const times = () =>
    [server.pid, redis?.pid, follower?.pid].map((pid) => (pid === undefined ? 0 : processorTime(pid)));
  const before = times();
  const bytes = redis ? residentBytes(redis.pid) : 0;
  const began = performance.now();
  const announcements = await load(rate, seconds, 100_000, [server.port]);
  await Bun.sleep(1000);
  const elapsed = performance.now() - began;
  const after = times();
  const grown = redis ? residentBytes(redis.pid) - bytes : 0;
  // What a process uses that has nothing to do is not the announcements'.
  await Bun.sleep(elapsed);
  const rested = times();
  const each = (i: number) => Math.max(0, (2 * after[i]! - before[i]! - rested[i]!) / announcements);
  return {
    journal: journal.replace(/:.*/, ""),
    announcements,
    server: each(0),
    redis: each(1),
    follower: each(2),
    redisBytes: grown / announcements,
  };
}
