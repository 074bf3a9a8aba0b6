/** Runs the servers and the echo beside each other, and measures them in turns. */
import type { ServerOptions, ServerStats } from "../../src/server/index.ts";
import type { Workload } from "../server/load/load.ts";
import { threadTimes } from "../server/machine.ts";
import { count } from "../server/rows.ts";
import { Echo, Loaders, type LoadRun, Server, type Subject } from "../server/subject.ts";
import { sum } from "../statistics.ts";
import { type BenchNetwork, type Cable, createNetwork, kernelDatagrams } from "./network.ts";
import type { Shape, XdpBenchOptions } from "./options.ts";
import type { Placement } from "./placement.ts";
import { type Cost, type Measured, type Row, rowOf, type Sample, shapeText, whoText } from "./rows.ts";
import { SoftirqClock } from "./softirq.ts";

/** Limits so high that the limiter runs, but drops no packet. */
const LIMIT = 1e9;
const LIMITS = {
  sourceRate: LIMIT,
  sourceBurst: LIMIT,
  nodeRate: LIMIT,
  nodeBurst: LIMIT,
  newRate: LIMIT,
  newBurst: LIMIT,
} as const;

/** How long the load is repeated for the clock of softirqs, compared with the measurement. */
const CLOCK_SHARE = 0.3;

/** How long a server may take until it serves its interface. */
const QUEUE_MS = 10_000;

type Report = (line: string) => void;

/** A process under measurement, the echo or a server, and the cable to it. `nodes` is 0 for the echo. */
interface Contender extends Pick<Measured, "who" | "coalesce" | "nodes"> {
  readonly subject: Subject;
  readonly cable: Cable;
}

/** One row of the table, with its samples so far. */
interface Series extends Measured {
  readonly samples: Sample[];
}

export class XdpBench implements AsyncDisposable {
  readonly #options: XdpBenchOptions;
  readonly #placement: Placement;
  readonly #withSoftirq: boolean;
  readonly #network: BenchNetwork;
  readonly #loaders: Loaders;
  readonly #running = new AsyncDisposableStack();

  private constructor(options: XdpBenchOptions, placement: Placement, withSoftirq: boolean, network: BenchNetwork) {
    this.#options = options;
    this.#placement = placement;
    this.#withSoftirq = withSoftirq;
    this.#network = network;
    this.#loaders = new Loaders(network.load.command(pin(placement.load)), 1, 1);
    this.#running.use(network);
  }

  static async create(options: XdpBenchOptions, placement: Placement, withSoftirq: boolean): Promise<XdpBench> {
    const { transports, nodes, coalesce } = options;
    const network = await createNetwork(1 + transports.length * nodes.length * coalesce.length);
    return new XdpBench(options, placement, withSoftirq, network);
  }

  /** Starts all servers at once, so that each round can measure all of them. Those not being measured are idle. */
  async run(report: Report): Promise<Row[]> {
    const { shapes, rounds, nodes, whats } = this.#options;
    const echo = await this.#startEcho();
    const servers = await this.#startServers(report);
    const rows = new Map<string, Series>();
    for (let round = 1; round <= rounds; round++) {
      for (const shape of shapes) {
        for (const size of nodes) {
          const floor = await this.#measure(echo, shape, "hit", size, round, undefined);
          note(rows, { ...named(echo), ...shape, what: "hit" }, floor);
          const figures = [`echo ${floor.own.toFixed(2)}`];
          for (const what of whats) {
            for (const server of servers.filter(({ nodes }) => nodes === size)) {
              const sample = await this.#measure(server, shape, what, size, round, floor);
              note(rows, { ...named(server), ...shape, what }, sample);
              figures.push(`${whoText(server)} ${what} ${sample.own.toFixed(2)}`);
            }
          }
          report(`round ${round}, ${shapeText(shape)}, ${count(size)} nodes: ${figures.join(", ")} us`);
        }
      }
    }
    return [...rows.values()].map(({ samples, ...measured }) => rowOf(measured, samples));
  }

  async #startEcho(): Promise<Contender> {
    const [cable] = this.#network.cables as [Cable];
    const subject = this.#running.use(await Echo.mmsg(this.#pin(), 1, cable.server));
    const echo: Contender = { who: "echo", coalesce: undefined, nodes: 0, subject, cable };
    await this.#load(echo, { window: 512, pace: 0 }, "hit", 1000, this.#options.seconds, 0);
    return echo;
  }

  async #startServers(report: Report): Promise<Contender[]> {
    const { nodes, coalesce, transports } = this.#options;
    const [, ...cables] = this.#network.cables;
    const servers: Contender[] = [];
    for (const size of nodes) {
      for (const nap of coalesce) {
        for (const who of transports) {
          const cable = cables.shift()!;
          const options: Partial<ServerOptions> = {
            ...LIMITS,
            transport: who,
            workers: 1,
            host: cable.server,
            capacity: size,
            ...(who === "xdp" && { interface: cable.interface }),
            ...(nap !== undefined && { coalesce: nap }),
          };
          const subject = this.#running.use(await Server.start(this.#pin(), options));
          if (who === "xdp") await queueServed(subject);
          const server: Contender = { who, coalesce: nap, nodes: size, subject, cable };
          report(`${whoText(server)}: ${count(size)} nodes announced in ${(await this.#fill(server)).toFixed(1)} s`);
          servers.push(server);
        }
      }
    }
    return servers;
  }

  /** Announces all nodes, then warms the server up. @returns the seconds that the announcements took */
  async #fill({ subject, cable, nodes }: Contender): Promise<number> {
    const other = { host: cable.server, source: cable.source };
    const load = { port: subject.port, nodes, what: "mixed", seed: 0, other } as const;
    const { announceSeconds } = await this.#loaders.run({ ...load, seconds: 0, preload: true });
    const { nodes: stored } = await subject.stats!();
    if (stored !== nodes) throw new Error(`the server stored ${count(stored)} of ${count(nodes)} announced nodes`);
    await this.#loaders.run({ ...load, seconds: this.#options.seconds });
    return announceSeconds;
  }

  async #load(
    contender: Contender,
    shape: Shape,
    what: Workload,
    nodes: number,
    seconds: number,
    seed: number,
  ): Promise<LoadRun> {
    const { subject, cable } = contender;
    const { window, pace } = shape;
    const other = { host: cable.server, source: cable.source, pace, ...(pace === 0 && { window }) };
    try {
      return await this.#loaders.run({ port: subject.port, nodes, what, seconds, seed, other });
    } catch (error) {
      throw new Error(`${whoText(contender)}, ${what}, ${shapeText(shape)}: ${(error as Error).message}`);
    }
  }

  /** @param floor - the echo's costs in this round under a load of this shape; undefined for the echo itself */
  async #measure(
    contender: Contender,
    shape: Shape,
    what: Workload,
    nodes: number,
    round: number,
    floor: Cost | undefined,
  ): Promise<Sample> {
    const { seconds } = this.#options;
    const load = (length: number) => this.#load(contender, shape, what, nodes, length, round);
    const run = await this.#observe(contender, () => load(seconds));
    // The clock costs time, so the load is repeated for it.
    const moved = this.#withSoftirq
      ? await this.#movedSoftirq(contender, () => load(seconds * CLOCK_SHARE))
      : Number.NaN;
    const perReply = what === "hit";
    const own = run.own / (perReply ? run.replies : run.received);
    const cost: Cost = { own, whole: own + moved };
    return {
      ...cost,
      ratios: { own: cost.own / (floor ?? cost).own, whole: cost.whole / (floor ?? cost).whole },
      perSecond: perReply ? run.repliesPerSecond : run.perSecond,
      expected: run.expected,
      replies: run.replies,
      wrong: contender.who === "echo" ? 0 : run.wrong,
      limited: run.limited,
      replaced: run.replaced,
      received: run.received,
      kernel: run.kernel,
      medianMs: run.medianMs,
      p99Ms: run.p99Ms,
    };
  }

  /** Runs a load. @returns its result, and what the server received and was charged for meanwhile */
  async #observe({ subject }: Contender, load: () => Promise<LoadRun>) {
    const before = await subject.stats?.();
    const kernelBefore = kernelDatagrams(this.#network);
    const timesBefore = threadTimes(subject.pid);
    const result = await load();
    const own = sum([...threadTimes(subject.pid)].map(([thread, time]) => time - (timesBefore.get(thread) ?? 0)));
    const kernel = kernelDatagrams(this.#network) - kernelBefore;
    const after = await subject.stats?.();
    const isServer = before !== undefined && after !== undefined;
    return {
      ...result,
      own,
      kernel,
      // An echo replies to each packet.
      received: isServer ? after.received - before.received : result.replies,
      limited: isServer ? limited(after) - limited(before) : 0,
      replaced: isServer ? after.replaced - before.replaced : 0,
    };
  }

  /**
   * Microseconds of softirq per packet to be moved: those in the load's process are the server's, and those in the server's
   * process are the load's.
   */
  async #movedSoftirq(contender: Contender, load: () => Promise<LoadRun>): Promise<number> {
    using clock = new SoftirqClock();
    const run = await this.#observe(contender, load);
    return (sum(run.pids.map((pid) => clock.time(pid))) - clock.time(contender.subject.pid)) / run.received;
  }

  #pin(): string[] {
    return this.#network.servers.command(pin(this.#placement.server));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
  }
}

/** Waits until the server serves the queue of its interface. @throws {Error} if it cannot */
async function queueServed(server: Server): Promise<void> {
  const end = performance.now() + QUEUE_MS;
  for (;;) {
    const { served, problem } = (await server.stats()).xdp!;
    if (served > 0) return;
    if (performance.now() > end)
      throw new Error(`a server cannot use its interface: ${problem ?? "it takes too long"}`);
    await Bun.sleep(20);
  }
}

function named({ who, coalesce, nodes }: Contender): Pick<Measured, "who" | "coalesce" | "nodes"> {
  return { who, coalesce, nodes };
}

function pin(processor: number): string[] {
  return ["taskset", "-c", `${processor}`];
}

function note(rows: Map<string, Series>, measured: Measured, sample: Sample): void {
  const key = Object.values(measured).join();
  const series = rows.get(key) ?? { ...measured, samples: [] };
  series.samples.push(sample);
  rows.set(key, series);
}

function limited({ verdicts }: ServerStats): number {
  return verdicts["limited-source"] + verdicts["limited-node"] + verdicts["limited-new"];
}
