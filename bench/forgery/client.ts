/**
 * The client, as a program in its host. The first argument is a {@link Task} as JSON. It prints lines: lists of the nodes that it looks
 * up, as JSON, whenever they change, and at last a {@link Result}.
 */
import { Discoverer, type NodeAddress } from "../../src/client/index.ts";
import { createCodec } from "../../src/codec/index.ts";
import { announcement, nodeId } from "../packets.ts";
import { type Counts, FORGED, KINDS, type Kind, type Result, type Task } from "./task.ts";

/** The attacker gets to know a node so long before it is looked up. In ms. */
const LEAD = 50;
const SLOW = 1_000;
/** Announcements that are sent before a wait, so that none is lost, and the wait in ms. */
const BURST = 50;
const BURST_WAIT = 20;

const task: Task = JSON.parse(process.argv[2]!);

async function announce(): Promise<void> {
  const [host, port] = task.server.split(":");
  const codec = createCodec({ backend: "ts" });
  const socket = await Bun.udpSocket({
    connect: { hostname: host!, port: Number(port) },
    socket: { data() {}, error() {} },
  });
  // Twice: a server keeps a node for long only if it was announced twice.
  for (let times = 0; times < 2; times++) {
    for (const [i, n] of task.known.entries()) {
      socket.send(codec.encode(announcement(n)));
      if (i % BURST === BURST - 1) await Bun.sleep(BURST_WAIT);
    }
    await Bun.sleep(BURST_WAIT);
  }
  socket.close();
}

/** The nodes of the lookups that are running. */
class Targets {
  readonly #known = new Set<number>();
  readonly #unknown = new Set<number>();

  /** Makes the node a target, calls `run` after {@link LEAD}, and removes the target. */
  async during<T>(n: number, known: boolean, run: () => Promise<T>): Promise<T> {
    const targets = known ? this.#known : this.#unknown;
    targets.add(n);
    this.#print();
    await Bun.sleep(LEAD);
    try {
      return await run();
    } finally {
      targets.delete(n);
      this.#print();
    }
  }

  /** Lookups of known nodes are short. As long as there are any, the attacker's packets are all for them. */
  #print(): void {
    console.log(JSON.stringify([...(this.#known.size > 0 ? this.#known : this.#unknown)]));
  }
}

function start(): Promise<Discoverer> {
  return Discoverer.start({ servers: [task.server], lan: false });
}

async function lookUp(old: Discoverer, kind: Kind, n: number): Promise<NodeAddress | undefined> {
  const { timeout, confirm } = task;
  const options = { timeout, ...(confirm !== undefined && { confirm }) };
  if (kind === "old") return await old.lookup(nodeId(n), options).catch(() => undefined);
  await using discoverer = await start();
  return await discoverer.lookup(nodeId(n), options).catch(() => undefined);
}

async function lookUpAll(): Promise<Result> {
  const newCounts = (): Counts => ({ right: 0, slow: 0, notFound: 0, unknown: 0, poisoned: 0 });
  const result = { new: newCounts(), old: newCounts() };
  const targets = new Targets();
  await using old = await start();
  const one = async (n: number, known: boolean, i: number) => {
    const kind = KINDS[i % KINDS.length]!;
    const counts = result[kind];
    await targets.during(n, known, async () => {
      const before = performance.now();
      const found = await lookUp(old, kind, n);
      const ms = performance.now() - before;
      if (found?.ip === FORGED.ip) counts.poisoned++;
      else if (!known && found === undefined) counts.unknown++;
      else if (known && found?.ip === task.ip && found.port === announcement(n).port) {
        counts.right++;
        if (ms > SLOW) counts.slow++;
      } else counts.notFound++;
    });
  };
  const spread = Math.max(0, task.seconds * 1_000 - task.timeout - LEAD);
  const all = (nodes: readonly number[], known: boolean) =>
    nodes.map(async (n, i) => {
      await Bun.sleep((i * spread) / nodes.length);
      await one(n, known, i);
    });
  await Promise.all([...all(task.known, true), ...all(task.unknown, false)]);
  return result;
}

if (task.what === "announce") await announce();
else console.log(JSON.stringify(await lookUpAll()));
process.exit(0);
