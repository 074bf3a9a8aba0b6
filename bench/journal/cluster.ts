/**
 * Three servers on one Redis: how soon the others know a node, and the processor time of an announcement in each
 * process.
 */
import { createCodec } from "../../src/codec/index.ts";
import { processorTimeOfThreads } from "../processes.ts";
import { resident } from "../server/machine.ts";
import { quantile } from "../statistics.ts";
import { type RedisProcess, type ServerProcess, spawnAnnouncer, startServer } from "./processes.ts";

const NODES = 100_000;
const codec = createCodec();

/** Announces nodes from another process. @returns the number of announcements sent */
async function announce(rate: number, seconds: number, ports: readonly number[]): Promise<number> {
  const child = spawnAnnouncer(rate, seconds, NODES, ports, "pipe");
  return JSON.parse(await child.stdout.text()).sent;
}

/**
 * Announces a new node to one server and asks another one until it answers, over and over until `end`.
 *
 * @returns milliseconds from each announcement to its answer
 */
async function delays(servers: readonly ServerProcess[], end: Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  let ended = false;
  void end.then(() => {
    ended = true;
  });
  let answered = false;
  let expected: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      // Ignores late answers to earlier probes.
      data(_socket, reply) {
        const answer = codec.tryDecode(reply);
        answered ||= answer.ok && Bun.deepEquals(answer.packet.nodeId, expected);
      },
      error() {},
    },
  });
  for (let probe = 0; !ended; probe++) {
    const nodeId = new TextEncoder().encode(`PROBE-${probe}-${"A".repeat(40)}`);
    const [one, other] = [servers[probe % servers.length]!, servers[(probe + 1) % servers.length]!];
    expected = nodeId;
    answered = false;
    const began = performance.now();
    socket.send(codec.encode({ type: "announcement", nodeId, port: 1, ip: new Uint8Array(0) }), one.port, "127.0.0.1");
    while (!answered && performance.now() - began < 5000) {
      await Bun.sleep(2);
      socket.send(codec.encode({ type: "query", nodeId }), other.port, "127.0.0.1");
    }
    found.push(performance.now() - began);
    // A random pause, so that probes are not in step with the servers' flushes every 250 ms.
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

/**
 * How soon a node announced to one of three servers is known to another, under `rate` announcements per second in
 * total.
 */
export async function clusterDelay(redis: RedisProcess, rate: number, seconds: number): Promise<ClusterFigures> {
  const servers = await Promise.all([1, 2, 3].map(() => startServer(redis.url, ["--capacity", "200000"])));
  try {
    const done = announce(
      rate,
      seconds,
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
  /**
   * Microseconds of processor per announcement: in the server that receives it, in Redis, and in a server that follows
   * Redis.
   */
  readonly server: number;
  readonly redis: number;
  readonly follower: number;
  /** Growth of Redis's resident memory, in bytes per announcement. */
  readonly redisBytes: number;
}

/** The cost of an announcement at `rate` per second to one server. With a Redis, another server follows it. */
export async function cost(journal: string, rate: number, seconds: number, redis?: RedisProcess): Promise<CostFigures> {
  await using server = await startServer(journal, ["--capacity", "200000"]);
  await using follower = redis ? await startServer(journal, ["--capacity", "200000"]) : undefined;
  await announce(rate, 1, [server.port]);
  await Bun.sleep(1000);
  const times = () =>
    [server.pid, redis?.pid, follower?.pid].map((pid) => (pid === undefined ? 0 : processorTimeOfThreads(pid)));
  const before = times();
  const bytes = redis ? resident(redis.pid) : 0;
  const began = performance.now();
  const announcements = await announce(rate, seconds, [server.port]);
  await Bun.sleep(1000);
  const elapsed = performance.now() - began;
  const after = times();
  const grown = redis ? resident(redis.pid) - bytes : 0;
  // Measures the same time without announcements: what the idle processes use is subtracted.
  await Bun.sleep(elapsed);
  const idle = times();
  const each = (i: number) => Math.max(0, (2 * after[i]! - before[i]! - idle[i]!) / announcements);
  return {
    journal: journal.replace(/:.*/, ""),
    announcements,
    server: each(0),
    redis: each(1),
    follower: each(2),
    redisBytes: grown / announcements,
  };
}
