/**
 * A load for a server on this host, as heavy as one processor can make it: batches of packets from many addresses, each client
 * with one batch under way. The last packet of a batch always asks for a node that is known, so that its reply tells that all
 * of the batch was judged; what takes longer than LOST_MS is given up. Linux.
 *
 *     bun load.ts --port PORT [--nodes 10000] [--preload] [--seconds 3] [--what hit|miss|announce|mixed]
 *                      [--window 512] [--sources 16] [--first-source 0] [--seed 1] [--host 127.0.0.1]
 *
 * `preload` announces nodes 0 to NODES - 1 first, and sees to it that all of them arrive. Then for SECONDS it sends, to nodes that
 * look like chance: `hit` queries for known nodes, `miss` queries for unknown ones, `announce` announcements of known nodes,
 * `mixed` 6 : 2 : 2 of them. WINDOW packets are under way at once, over SOURCES addresses. Prints one line of JSON: see LoadResult.
 */
import { parseArgs } from "node:util";
import { CLIENT_BATCH, Clients } from "./client.ts";
import { ANNOUNCEMENT_LENGTH, QUERY_LENGTH } from "./packets.ts";

export const WORKLOADS = { hit: [0, 0], miss: [100, 0], announce: [0, 100], mixed: [20, 20] } as const;
export type Workload = keyof typeof WORKLOADS;

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly nodes: number;
  readonly preload: boolean;
  /** 0 for none: to preload only. */
  readonly seconds: number;
  readonly what: Workload;
  readonly window: number;
  /** Addresses from 127.1.0.1 on, or from `firstSource` further on. */
  readonly sources: number;
  readonly firstSource: number;
  readonly seed: number;
}

export interface LoadResult {
  /** Announced before the load began. */
  readonly announced: number;
  readonly announceSeconds: number;
  /** In the load itself. */
  readonly sent: number;
  /** Queries for known nodes: replies that should come. */
  readonly expected: number;
  readonly replies: number;
  /** Of the replies, those that are not what was announced: NodeID, port, a loopback address. */
  readonly wrong: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly repliesPerSecond: number;
}

export const DEFAULT_LOAD: Omit<LoadOptions, "port"> = {
  host: "127.0.0.1",
  nodes: 10_000,
  preload: false,
  seconds: 3,
  what: "hit",
  window: 512,
  sources: 16,
  firstSource: 0,
  seed: 1,
};

/** A batch that is not answered in this time is given up. */
const LOST_MS = 50;
/** How often a chunk of announcements is sent before it is clear that the server does not keep them. */
const TRIES = 40;
/** For replies that come after the end. */
const TAIL_MS = 200;

/** Runs a load in this thread, which does nothing else meanwhile. @throws {Error} if there is no server, or it does not keep what is announced. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const clients = await Clients.open(options.host, options.port, options.sources, options.firstSource);
  try {
    const run = new Load(clients, options);
    const start = performance.now();
    if (options.preload) run.preload();
    const announceSeconds = options.preload ? secondsSince(start) : 0;
    const announced = options.preload ? options.nodes : 0;
    if (options.preload) run.awaitLate();
    return { announced, announceSeconds, ...run.load(options.seconds * 1000) };
  } finally {
    clients.close();
  }
}

function secondsSince(start: number): number {
  return Math.round(performance.now() - start) / 1000;
}

class Load {
  readonly #clients: Clients;
  readonly #nodes: number;
  readonly #batch: number;
  /** Percent of all packets, and, of the rest, percent that nobody knows. */
  readonly #announce: number;
  readonly #miss: number;
  /** By client: replies that it waits for, when its batch was sent. */
  readonly #waiting: Int32Array;
  readonly #since: Float64Array;
  #random: number;
  #sent = 0;
  #expected = 0;
  #replies = 0;
  #wrong = 0;

  constructor(clients: Clients, { nodes, window, what, seed }: LoadOptions) {
    this.#clients = clients;
    this.#nodes = nodes;
    this.#batch = Math.min(CLIENT_BATCH, Math.max(1, Math.floor(window / clients.count)));
    const [miss, announce] = WORKLOADS[what];
    this.#announce = announce;
    this.#miss = announce === 100 ? 0 : (miss * 100) / (100 - announce);
    this.#waiting = new Int32Array(clients.count);
    this.#since = new Float64Array(clients.count);
    this.#random = Math.imul(seed, 0x9e3779b1) | 1;
  }

  /** Announces all nodes. A chunk whose last node is not answered for is announced again. */
  preload(): void {
    const clients = this.#clients;
    const starts = new Int32Array(clients.count).fill(-1);
    const tries = new Int32Array(clients.count);
    const chunk = CLIENT_BATCH - 1;
    let next = 0;
    let open = 0;
    while (next < this.#nodes || open > 0) {
      const now = performance.now();
      for (let client = 0; client < clients.count; client++) {
        if (starts[client]! < 0) {
          if (next >= this.#nodes) continue;
          starts[client] = next;
          tries[client] = 0;
          next += chunk;
          open++;
        } else if (now - this.#since[client]! < LOST_MS) continue;
        if (++tries[client]! > TRIES) {
          throw new Error(
            `the server does not answer for node ${starts[client]} of ${this.#nodes}: is there room for all, and no limit on new ones?`,
          );
        }
        this.#since[client] = now;
        this.#sendChunk(client, starts[client]!, Math.min(starts[client]! + chunk, this.#nodes));
      }
      clients.wait(LOST_MS);
      for (let client = 0; client < clients.count; client++) {
        if (!clients.ready(client)) continue;
        const start = starts[client]!;
        const answered = this.#answers(client, Math.min(start + chunk, this.#nodes) - 1);
        if (start < 0 || !answered) continue;
        starts[client] = -1;
        open--;
      }
    }
  }

  /** Takes the answers to what was announced again: they would count for the load. */
  awaitLate(): void {
    const clients = this.#clients;
    while (clients.wait(TAIL_MS) > 0) {
      for (let client = 0; client < clients.count; client++) {
        if (clients.ready(client)) clients.receive(client);
      }
    }
  }

  /** Whether the answer for node `n` is among what a client receives: that to an earlier try may come late. */
  #answers(client: number, n: number): boolean {
    const { inbox } = this.#clients;
    const count = this.#clients.receive(client);
    let found = false;
    for (let i = 0; i < count; i++) {
      if (inbox.answered(i, this.#clients.received(i)) === n) found = true;
    }
    return found;
  }

  #sendChunk(client: number, from: number, to: number): void {
    const clients = this.#clients;
    for (let n = from; n < to; n++) {
      clients.outbox.writeAnnouncement(n - from, n);
      clients.setLength(n - from, ANNOUNCEMENT_LENGTH);
    }
    clients.outbox.writeQuery(to - from, to - 1);
    clients.setLength(to - from, QUERY_LENGTH);
    clients.send(client, 0, to - from + 1);
  }

  load(ms: number): Omit<LoadResult, "announced" | "announceSeconds"> {
    const clients = this.#clients;
    const start = performance.now();
    const end = start + ms;
    for (let now = start; now < end; now = performance.now()) {
      for (let client = 0; client < clients.count; client++) {
        if (this.#waiting[client]! > 0 && now - this.#since[client]! < LOST_MS) continue;
        this.#since[client] = now;
        this.#waiting[client] = this.#sendBatch(client);
      }
      this.#receiveAll(LOST_MS);
    }
    const seconds = secondsSince(start);
    const inTime = this.#replies;
    const perSecond = (packets: number) => (seconds > 0 ? Math.round(packets / seconds) : 0);
    while (this.#expected > this.#replies && this.#receiveAll(TAIL_MS) > 0);
    if (this.#sent > 0 && this.#replies === 0) throw new Error(`nobody answered any of ${this.#expected} queries`);
    return {
      sent: this.#sent,
      expected: this.#expected,
      replies: this.#replies,
      wrong: this.#wrong,
      seconds,
      perSecond: perSecond(this.#sent),
      repliesPerSecond: perSecond(inTime),
    };
  }

  /** Replies that a batch just sent should bring. */
  #sendBatch(client: number): number {
    const clients = this.#clients;
    const last = this.#batch - 1;
    let hits = 0;
    for (let i = 0; i <= last; i++) {
      const n = this.#below(this.#nodes);
      if (i < last && this.#below(100) < this.#announce) {
        clients.outbox.writeAnnouncement(i, n);
        clients.setLength(i, ANNOUNCEMENT_LENGTH);
      } else {
        const miss = i < last && this.#below(100) < this.#miss;
        clients.outbox.writeQuery(i, miss ? this.#nodes + n : n);
        clients.setLength(i, QUERY_LENGTH);
        if (!miss) hits++;
      }
    }
    // What the kernel does not take is lost like what it loses.
    this.#sent += clients.send(client, 0, last + 1);
    this.#expected += hits;
    return hits;
  }

  #receiveAll(ms: number): number {
    const clients = this.#clients;
    const ready = clients.wait(ms);
    for (let client = 0; ready > 0 && client < clients.count; client++) {
      if (clients.ready(client)) this.#waiting[client]! -= this.#receive(client);
    }
    return ready;
  }

  #receive(client: number): number {
    const clients = this.#clients;
    const count = clients.receive(client);
    for (let i = 0; i < count; i++) {
      const n = clients.inbox.answered(i, clients.received(i));
      if (n < 0 || n >= this.#nodes) this.#wrong++;
    }
    this.#replies += count;
    return count;
  }

  /** A whole number from 0 to `size` - 1, by xorshift. */
  #below(size: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x & 0x7fffffff) % size;
  }
}

function parse(): LoadOptions {
  const d = DEFAULT_LOAD;
  const text = (value: number) => ({ type: "string" as const, default: `${value}` });
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: d.host },
      port: { type: "string" },
      nodes: text(d.nodes),
      preload: { type: "boolean", default: d.preload },
      seconds: text(d.seconds),
      what: { type: "string", default: d.what },
      window: text(d.window),
      sources: text(d.sources),
      "first-source": text(d.firstSource),
      seed: text(d.seed),
    },
  });
  const whole = (
    name: "port" | "nodes" | "window" | "sources" | "first-source" | "seed",
    least: number,
    most: number,
  ) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Error(`--${name} must be a whole number from ${least} to ${most}, not ${values[name]}`);
  };
  const seconds = Number(values.seconds);
  if (!(seconds >= 0)) throw new Error(`--seconds must be 0 or more, not ${values.seconds}`);
  if (!Object.hasOwn(WORKLOADS, values.what)) {
    throw new Error(`--what must be one of ${Object.keys(WORKLOADS).join(", ")}, not ${values.what}`);
  }
  const window = whole("window", 1, 1_000_000);
  const sources = whole("sources", 1, 60_000);
  if (values.what !== "hit" && window < 2 * sources) {
    throw new Error("--window must be at least twice --sources: of each batch one packet is a query for a known node");
  }
  return {
    host: values.host,
    port: whole("port", 1, 65_535),
    // Unknown nodes are those beyond the known ones, and numbers have 31 bits.
    nodes: whole("nodes", 1, 2 ** 30),
    preload: values.preload,
    seconds,
    what: values.what as Workload,
    window,
    sources,
    firstSource: whole("first-source", 0, 60_000),
    seed: whole("seed", 0, 2 ** 31 - 1),
  };
}

if (import.meta.main) {
  try {
    console.log(JSON.stringify(await load(parse())));
  } catch (error) {
    console.error(`mmsg-load: ${(error as Error).message}`);
    process.exit(1);
  }
}
