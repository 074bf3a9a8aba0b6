/**
 * A load generator for a server on this host. It keeps one processor busy. Linux only.
 *
 * It has many clients, each with an address of its own. A client sends a batch of packets, waits for the replies, and
 * sends the next batch. The last packet of a batch is always a query for a known node, so every batch gets a reply. After
 * LOST_MS a client waits no longer: missing replies count as lost.
 *
 * With a pace, the clients send in turns and wait for no reply: one packet each time, or as many as have become due
 * meanwhile.
 */
import { CLIENT_BATCH, Clients } from "./clients.ts";
import { Latencies } from "./latencies.ts";
import { ANNOUNCEMENT_LENGTH, QUERY_LENGTH } from "./packets.ts";

/**
 * By name of the load: percent of queries for unknown nodes, and of announcements. The rest are queries for known
 * nodes.
 */
export const WORKLOADS = { hit: [0, 0], miss: [100, 0], announce: [0, 100], mixed: [20, 20] } as const;
export type Workload = keyof typeof WORKLOADS;

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly nodes: number;
  /** Announce nodes 0 to `nodes` - 1 before the load, and make sure that the server stores all of them. */
  readonly preload: boolean;
  /** Length of the load; 0 to preload only. */
  readonly seconds: number;
  readonly what: Workload;
  /** Packets in flight, over all sources. */
  readonly window: number;
  /** Packets per second, whatever is answered. 0: as many as the window allows. */
  readonly pace: number;
  /** Number of source addresses. They are consecutive, and the first is `firstSource` addresses after `source`. */
  readonly sources: number;
  /** An IPv4 address. */
  readonly source: string;
  readonly firstSource: number;
  readonly seed: number;
  /** With a pace: how long it is kept up before the load, uncounted, so that the load does not begin in code that is still slow. */
  readonly warmUpMs: number;
  /** How long to wait for outstanding replies after the load has ended. */
  readonly tailMs: number;
}

export interface LoadResult {
  /** Nodes announced before the load. */
  readonly announced: number;
  readonly announceSeconds: number;
  /** Packets of the load itself. */
  readonly sent: number;
  /** Queries for known nodes: each should get a reply. */
  readonly expected: number;
  readonly replies: number;
  /** Replies that came, but that the load generator had no room for. They are not among `replies`. */
  readonly dropped: number;
  /** Replies that do not have the NodeID and port that were announced. Any address with the first byte of `source` is accepted. */
  readonly wrong: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly repliesPerSecond: number;
  /** Milliseconds from query to reply. With a pace; else 0. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

export const DEFAULT_LOAD: Omit<LoadOptions, "port"> = {
  host: "127.0.0.1",
  nodes: 10_000,
  preload: false,
  seconds: 3,
  what: "hit",
  window: 512,
  pace: 0,
  sources: 16,
  source: "127.1.0.1",
  firstSource: 0,
  seed: 1,
  warmUpMs: 0,
  tailMs: 1000,
};

/** How long a client waits for the replies to a batch before it sends the next one. */
const LOST_MS = 50;
/** With a pace, one packet in this many is a query for a known node. */
const PACED_PROBE = 32;
/** The preload fails if a chunk of announcements was sent this many times without a reply. */
const MAX_TRIES = 40;
/** When no reply has come for this time after the preload or the warm-up, the load starts. */
const QUIET_MS = 200;

/**
 * Runs a load and blocks this thread until it ends.
 *
 * @param begin - called when everything is prepared; the load starts when its promise resolves
 * @throws {Error} if nothing answers, or the server does not store all nodes.
 */
export async function load(
  options: LoadOptions,
  begin: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadResult> {
  const { host, port, sources, source, firstSource } = options;
  const clients = await Clients.open(host, port, sources, source, firstSource);
  try {
    const run = new Load(clients, options);
    const start = performance.now();
    if (options.preload) run.preload();
    const announceSeconds = options.preload ? secondsSince(start) : 0;
    const announced = options.preload ? options.nodes : 0;
    if (options.preload) run.discardLateReplies();
    if (options.pace > 0 && options.warmUpMs > 0) new Load(clients, options).warmUp(options.warmUpMs);
    await begin();
    return { announced, announceSeconds, ...run.load(options.seconds * 1000, options.tailMs) };
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
  readonly #pace: number;
  /** Announcements in percent of all packets. */
  readonly #announce: number;
  /** Queries for unknown nodes in percent of all queries. */
  readonly #miss: number;
  /** By client: replies outstanding. */
  readonly #waiting: Int32Array;
  /** By client: when its batch was sent. */
  readonly #since: Float64Array;
  /** With a pace. */
  readonly #latencies: Latencies | undefined;
  #random: number;
  /** Packets written for sending. */
  #written = 0;
  #sent = 0;
  #expected = 0;
  #replies = 0;
  #wrong = 0;

  constructor(clients: Clients, { nodes, window, pace, what, seed }: LoadOptions) {
    this.#clients = clients;
    this.#nodes = nodes;
    this.#pace = pace;
    this.#batch = Math.min(CLIENT_BATCH, Math.max(1, Math.floor(window / clients.count)));
    const [miss, announce] = WORKLOADS[what];
    this.#announce = announce;
    this.#miss = announce === 100 ? 0 : (miss * 100) / (100 - announce);
    this.#waiting = new Int32Array(clients.count);
    this.#since = new Float64Array(clients.count);
    this.#latencies = pace > 0 ? new Latencies(clients.count) : undefined;
    this.#random = Math.imul(seed, 0x9e3779b1) | 1;
  }

  /** Announces all nodes, in chunks. A chunk is announced again if the query for its last node gets no reply. */
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
        if (++tries[client]! > MAX_TRIES) {
          throw new Error(
            `the server does not store node ${starts[client]} of ${this.#nodes}: give it enough --capacity, and turn off its limit for new nodes`,
          );
        }
        this.#since[client] = now;
        this.#sendChunk(client, starts[client]!, Math.min(starts[client]! + chunk, this.#nodes));
      }
      clients.wait(LOST_MS);
      for (let client = 0; client < clients.count; client++) {
        if (!clients.ready(client)) continue;
        const start = starts[client]!;
        const answered = this.#hasReply(client, Math.min(start + chunk, this.#nodes) - 1);
        if (start < 0 || !answered) continue;
        starts[client] = -1;
        open--;
      }
    }
  }

  /** Discards late replies to chunks that were announced twice. Otherwise the load would count them. */
  discardLateReplies(): void {
    const clients = this.#clients;
    while (clients.wait(QUIET_MS) > 0) {
      for (let client = 0; client < clients.count; client++) {
        if (clients.ready(client)) clients.receive(client);
      }
    }
  }

  /** Whether a client received the reply for node `n`. Late replies of earlier chunks may come with it. */
  #hasReply(client: number, n: number): boolean {
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

  /** The load with a pace, for what is compiled while it runs. Another Load has to count. */
  warmUp(ms: number): void {
    this.#paced(performance.now(), ms);
    this.#awaitReplies(QUIET_MS);
  }

  load(ms: number, tailMs: number): Omit<LoadResult, "announced" | "announceSeconds"> {
    const droppedBefore = this.#clients.dropped();
    const start = performance.now();
    if (this.#pace > 0) this.#paced(start, ms);
    else this.#closedLoop(start, ms);
    const seconds = secondsSince(start);
    const inTime = this.#replies;
    const perSecond = (packets: number) => (seconds > 0 ? Math.round(packets / seconds) : 0);
    this.#awaitReplies(tailMs);
    if (this.#sent > 0 && this.#replies === 0) throw new Error(`none of ${this.#expected} queries was answered`);
    return {
      sent: this.#sent,
      expected: this.#expected,
      replies: this.#replies,
      dropped: this.#clients.dropped() - droppedBefore,
      wrong: this.#wrong,
      seconds,
      perSecond: perSecond(this.#sent),
      repliesPerSecond: perSecond(inTime),
      medianMs: this.#latencies?.quantileMs(0.5) ?? 0,
      p99Ms: this.#latencies?.quantileMs(0.99) ?? 0,
    };
  }

  #closedLoop(start: number, ms: number): void {
    const clients = this.#clients;
    const end = start + ms;
    for (let now = start; now < end; now = performance.now()) {
      for (let client = 0; client < clients.count; client++) {
        if (this.#waiting[client]! > 0 && now - this.#since[client]! < LOST_MS) continue;
        this.#since[client] = now;
        this.#waiting[client] = this.#sendBatch(client, this.#batch, this.#batch, now);
      }
      this.#receiveAll(LOST_MS);
    }
  }

  /** Never sleeps: a timer would send the packets of a whole millisecond at once. */
  #paced(start: number, ms: number): void {
    const clients = this.#clients;
    const end = start + ms;
    let offered = 0;
    let client = 0;
    for (let now = start; now < end; now = performance.now()) {
      const due = Math.floor(((now - start) * this.#pace) / 1000) - offered;
      if (due > 0) {
        const count = Math.min(due, CLIENT_BATCH);
        this.#sendBatch(client, count, PACED_PROBE, now);
        offered += count;
        client = (client + 1) % clients.count;
      }
      this.#receiveAll(0);
    }
  }

  /**
   * Sends a batch of `count` packets. One packet in `probe` is a query for a known node, also if the load has none.
   *
   * @returns how many replies it should get
   */
  #sendBatch(client: number, count: number, probe: number, now: number): number {
    const clients = this.#clients;
    let hits = 0;
    for (let i = 0; i < count; i++) {
      const n = this.#below(this.#nodes);
      const isProbe = ++this.#written % probe === 0;
      if (!isProbe && this.#below(100) < this.#announce) {
        clients.outbox.writeAnnouncement(i, n);
        clients.setLength(i, ANNOUNCEMENT_LENGTH);
      } else {
        const miss = !isProbe && this.#below(100) < this.#miss;
        clients.outbox.writeQuery(i, miss ? this.#nodes + n : n);
        clients.setLength(i, QUERY_LENGTH);
        if (!miss) {
          hits++;
          this.#latencies?.sent(client, n, now);
        }
      }
    }
    // Packets that the kernel does not take count as lost: their replies stay expected.
    this.#sent += clients.send(client, 0, count);
    this.#expected += hits;
    return hits;
  }

  /** Receives until each query has its reply, or none has come for `ms` milliseconds. */
  #awaitReplies(ms: number): void {
    while (this.#expected > this.#replies && this.#receiveAll(ms) > 0);
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
    const now = this.#latencies === undefined ? 0 : performance.now();
    for (let i = 0; i < count; i++) {
      const n = clients.inbox.answered(i, clients.received(i));
      if (n < 0 || n >= this.#nodes) this.#wrong++;
      this.#latencies?.received(client, n, now);
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
