/**
 * Honest clients, as a program in their namespace. The first argument is a {@link HonestTask} as JSON; it prints an
 * {@link HonestResult} as JSON.
 */
import { sum } from "../statistics.ts";
import { type Family, SERVER } from "./addresses.ts";
import { HonestClient } from "./client.ts";

export type HonestTask = {
  readonly family: Family;
  readonly port: number;
} & (Register | LookUp | Join | Check);

/** Announces nodes 0 to `nodes` - 1 twice each, from the addresses in turn. `found` counts those that the server then knows. */
interface Register {
  readonly what: "register";
  readonly addresses: readonly string[];
  readonly nodes: number;
}

/** Each address looks up one of the nodes, and the next one `everyMs` later. */
interface LookUp {
  readonly what: "look up";
  readonly addresses: readonly string[];
  readonly nodes: readonly number[];
  readonly everyMs: number;
  /** No lookup starts after this time. */
  readonly seconds: number;
  /** Whether each query is sent only once. */
  readonly once: boolean;
}

/**
 * Every `everyMs` a new node, with the next number from `firstNode` on, announces itself at the times `announceAt`, and an address of
 * `askers` looks it up at `askAt`. Times are in ms after the node's start.
 */
interface Join {
  readonly what: "join";
  readonly addresses: readonly string[];
  readonly askers: readonly string[];
  readonly firstNode: number;
  readonly everyMs: number;
  readonly seconds: number;
  readonly announceAt: readonly number[];
  readonly askAt: number;
}

/** Looks all nodes up once, from the addresses in turn. */
interface Check {
  readonly what: "check";
  readonly addresses: readonly string[];
  readonly nodes: number;
}

export interface HonestResult {
  readonly lookups: number;
  /** Lookups that were answered. */
  readonly found: number;
  /** Milliseconds of each answered lookup. */
  readonly ms: readonly number[];
  /** Queries sent, with every resend, and replies. */
  readonly queries: number;
  readonly replies: number;
  /** By IP address: lookups that were answered with it. */
  readonly where: Readonly<Record<string, number>>;
}

/** Replies that arrive so long after the last lookup still count. */
const LATE_MS = 100;
/** Announcements that a client sends before it waits. */
const BURST = 20;
const BURST_WAIT_MS = 20;

class Run {
  readonly #task: HonestTask;
  readonly #clients: HonestClient[] = [];
  #lookups = 0;
  readonly #ms: number[] = [];
  readonly #where: Record<string, number> = {};

  constructor(task: HonestTask) {
    this.#task = task;
  }

  async run(): Promise<HonestResult> {
    const task = this.#task;
    switch (task.what) {
      case "register":
        await this.#register(task);
        break;
      case "look up":
        await this.#lookUpInTurn(task);
        break;
      case "join":
        await this.#join(task);
        break;
      case "check":
        await this.#check(await this.#open(task.addresses), task.nodes);
    }
    await Bun.sleep(LATE_MS);
    return {
      lookups: this.#lookups,
      found: this.#ms.length,
      ms: this.#ms,
      queries: sum(this.#clients.map(({ queries }) => queries)),
      replies: sum(this.#clients.map(({ replies }) => replies)),
      where: this.#where,
    };
  }

  async #open(addresses: readonly string[]): Promise<HonestClient[]> {
    const { family, port } = this.#task;
    const clients = await Promise.all(addresses.map((address) => HonestClient.open(address, SERVER[family], port)));
    this.#clients.push(...clients);
    return clients;
  }

  async #lookUp(client: HonestClient, node: number, once = false): Promise<void> {
    this.#lookups++;
    const { ip, ms } = await client.lookUp(node, once);
    if (ip === undefined) return;
    this.#ms.push(ms);
    this.#where[ip] = (this.#where[ip] ?? 0) + 1;
  }

  async #register({ addresses, nodes }: Register): Promise<void> {
    const clients = await this.#open(addresses);
    for (let time = 0; time < 2; time++) {
      for (let n = 0; n < nodes; n++) {
        clients[n % clients.length]!.announce(n);
        if (n % BURST === 0) await Bun.sleep(0);
      }
      await Bun.sleep(BURST_WAIT_MS);
    }
    await this.#check(clients, nodes);
  }

  async #check(clients: readonly HonestClient[], nodes: number): Promise<void> {
    await Promise.all(
      clients.map(async (client, i) => {
        for (let n = i; n < nodes; n += clients.length) await this.#lookUp(client, n);
      }),
    );
  }

  async #lookUpInTurn({ addresses, nodes, everyMs, seconds, once }: LookUp): Promise<void> {
    const clients = await this.#open(addresses);
    const end = performance.now() + seconds * 1000;
    await Promise.all(
      clients.map(async (client, i) => {
        // At random: with even steps, all clients could meet a limit that refills in even steps at the same moment.
        let at = performance.now() + everyMs * Math.random();
        for (let k = i; at < end; k += clients.length) {
          await Bun.sleep(Math.max(0, at - performance.now()));
          await this.#lookUp(client, nodes[k % nodes.length]!, once);
          at = Math.max(at + everyMs, performance.now());
        }
      }),
    );
  }

  async #join({ addresses, askers, firstNode, everyMs, seconds, announceAt, askAt }: Join): Promise<void> {
    const clients = await this.#open(addresses);
    const asking = await this.#open(askers);
    const count = Math.floor((seconds * 1000) / everyMs);
    const start = performance.now();
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const until = (ms: number) => Bun.sleep(Math.max(0, start + i * everyMs + ms - performance.now()));
        for (const ms of announceAt) {
          await until(ms);
          clients[i % clients.length]!.announce(firstNode + i);
        }
        await until(askAt);
        await this.#lookUp(asking[i % asking.length]!, firstNode + i);
      }),
    );
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await new Run(JSON.parse(process.argv[2]!)).run()));
  process.exit(0);
}
