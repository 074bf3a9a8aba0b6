/** Runs attacks: starts a server, registers honest nodes, and measures what honest clients and the attacker get. */
import { join } from "node:path";
import type { ServerStats } from "../../src/server/index.ts";
import { DEFAULT_PORT, type TransportName } from "../../src/server/options.ts";
import type { Placement } from "../server/machine.ts";
import { Server } from "../server/subject.ts";
import { quantile } from "../statistics.ts";
import { type Attack, honestAddresses, type Share } from "./attacks.ts";
import type { Flood, FloodResult } from "./flood.ts";
import type { HonestResult, HonestTask } from "./honest.ts";
import { type AbuseNetwork, droppedByServer, repliesToAttacker } from "./network.ts";

export interface Setting {
  readonly network: AbuseNetwork;
  readonly placement: Placement;
  readonly transport: TransportName;
  readonly capacity: number;
  readonly seconds: number;
  /** A smoke test: attacks start just before the honest clients, so they have not used up what is allowed at once. */
  readonly quick: boolean;
}

/** What one attack did. Rates are per second; shares are from 0 to 1, NaN if there was nothing to count. */
export interface Figures {
  /** Packets that the attacker wanted to send (0: as many as possible), and those it sent. */
  readonly asked: number;
  readonly sent: number;
  /** Share of all packets that the server's kernel dropped because the server was too slow. */
  readonly lost: number;
  /** Processor time of the server, 1: one processor. */
  readonly cpu: number;
  /** Honest packets and lookups that were answered, new nodes that were found, registered nodes found afterwards. */
  readonly shares: Readonly<Record<Share, number>>;
  /** Milliseconds of an honest lookup. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Resident memory in bytes. */
  readonly memoryBefore: number;
  readonly memoryAfter: number;
  /** Replies to the attacker. */
  readonly answers: number;
  /** NodeIDs that the attacker registered, and registered nodes that the server now says are at the attacker's. */
  readonly registered: number;
  readonly redirected: number;
}

/** No attack lasts longer, whatever happens to this process. */
const MAX_SECONDS = 300;
const FILL_SECONDS = 120;
const QUICK_LEAD_MS = 100;

const program = (name: string) => join(import.meta.dir, name);

/** A running server, its nodes registered. */
export class AttackedServer implements AsyncDisposable {
  readonly #setting: Setting;
  readonly #server: Server;

  private constructor(setting: Setting, server: Server) {
    this.#setting = setting;
    this.#server = server;
  }

  static async start(setting: Setting): Promise<AttackedServer> {
    const { network, placement, transport, capacity } = setting;
    const pin = network.server.command([...placement.server]);
    const options = { host: "::", port: DEFAULT_PORT, workers: 1, transport, capacity };
    return new AttackedServer(setting, await Server.start(pin, options));
  }

  /** Announces nodes as their owners do. @throws {Error} if the server does not know all of them afterwards */
  async register({ family, nodes }: Attack): Promise<void> {
    const result = await this.#honest({
      what: "register",
      family,
      port: DEFAULT_PORT,
      nodes,
      addresses: honestAddresses(family, 0, 100),
    });
    if (result.found !== nodes) throw new Error(`only ${result.found} of ${nodes} nodes could be registered`);
  }

  /** Fills the registry with announcements from random addresses. @throws {Error} if it does not become full */
  async fill(): Promise<void> {
    const flood = this.#flood({
      family: "v4",
      sources: "random",
      payload: { what: "new", times: 1, first: 0 },
      rate: 0,
    });
    const end = performance.now() + FILL_SECONDS * 1000;
    while ((await this.#server.stats()).nodes < this.#setting.capacity) {
      if (performance.now() > end) throw new Error(`the registry is not full after ${FILL_SECONDS} s`);
      await Bun.sleep(100);
    }
    await flood.end();
  }

  async measure(attack: Attack): Promise<Figures> {
    const { family, leadMs, lookups, joins, nodes, checkAfter } = attack;
    const { seconds, quick } = this.#setting;
    const before = await this.#reading();
    const flood = attack.flood && this.#flood({ family, ...attack.flood });
    if (flood) {
      await flood.begun;
      await Bun.sleep(quick ? QUICK_LEAD_MS : leadMs);
    }
    const common = { family, port: DEFAULT_PORT, seconds };
    const [asked, joined] = await Promise.all([
      this.#honest({ ...common, what: "look up", ...lookups }),
      joins && this.#honest({ ...common, what: "join", askers: honestAddresses(family, 4, 20), ...joins }),
    ]);
    const result = await flood?.end();
    const after = await this.#reading();
    const checked = checkAfter
      ? await this.#honest({ ...common, what: "check", nodes, addresses: honestAddresses(family, 5, 50) })
      : undefined;
    const elapsed = (after.at - before.at) / 1000;
    const received = after.stats.received - before.stats.received;
    const dropped = after.dropped - before.dropped;
    const stored = after.stats.verdicts.stored - before.stats.verdicts.stored;
    const redirected = attack.group === "redirect" ? (checked?.where[`${attack.flood?.sources[0]}`] ?? 0) : 0;
    return {
      asked: attack.flood?.rate ?? 0,
      sent: result ? result.sent / result.seconds : 0,
      lost: share(dropped, received + dropped),
      cpu: (after.cpu - before.cpu) / 1e6 / elapsed,
      shares: {
        queries: share(asked.replies, asked.queries),
        lookups: share(asked.found, asked.lookups),
        joined: share(joined?.found ?? 0, joined?.lookups ?? 0),
        kept: share((checked?.found ?? 0) - redirected, checked?.lookups ?? 0),
      },
      medianMs: asked.found > 0 ? quantile(asked.ms, 0.5) : Number.NaN,
      p99Ms: asked.found > 0 ? quantile(asked.ms, 0.99) : Number.NaN,
      memoryBefore: before.memory,
      memoryAfter: after.memory,
      answers: result ? (after.replies - before.replies) / result.seconds : 0,
      registered: Math.max(0, stored - (joined?.found ?? 0)),
      redirected,
    };
  }

  async #reading() {
    const { network } = this.#setting;
    const stats: ServerStats = await this.#server.stats();
    return {
      at: performance.now(),
      stats,
      cpu: this.#server.cpu(),
      memory: this.#server.resident(),
      replies: repliesToAttacker(network),
      dropped: droppedByServer(network),
    };
  }

  async #honest(task: HonestTask): Promise<HonestResult> {
    const { network, placement } = this.#setting;
    const command = [...placement.load, process.execPath, program("honest.ts"), JSON.stringify(task)];
    const child = Bun.spawn(network.honest.command(command), { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    return await resultOf<HonestResult>(child);
  }

  /** Starts an attack. `begun` resolves when its first packets are sent, or when it ended too early, which `end` reports. */
  #flood(flood: Omit<Flood, "port" | "maxSeconds">): { begun: Promise<unknown>; end(): Promise<FloodResult> } {
    const { network, placement } = this.#setting;
    const task: Flood = { ...flood, port: DEFAULT_PORT, maxSeconds: MAX_SECONDS };
    // Honest clients share its processor. They must not have to wait for it.
    const command = [
      ...placement.load,
      "nice",
      "-n",
      "10",
      process.execPath,
      program("flood.ts"),
      JSON.stringify(task),
    ];
    const message = Promise.withResolvers<void>();
    const child = Bun.spawn(network.attacker.command(command), {
      ipc: () => message.resolve(),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    return {
      begun: Promise.race([message.promise, child.exited]),
      async end() {
        child.stdin.end();
        return await resultOf<FloodResult>(child);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? Number.NaN : part / whole;
}

async function resultOf<T>(child: Bun.Subprocess<"ignore" | "pipe", "pipe", "inherit">): Promise<T> {
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error("a program of the bench failed; its error is above");
  return JSON.parse(text);
}
