/**
 * Measures servers that have the same transport and the same number of workers, and the echo programs that they are
 * compared with.
 */
import type { ServerStats, TransportName } from "../../src/server/index.ts";
import type { Workload } from "./load/load.ts";
import { type Placement, place } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import { fill, serverOptions } from "./prepare.ts";
import { count, type Measured, plural, type Row, rowOf, type Sample } from "./rows.ts";
import { Echo, Loaders, Server, type Subject } from "./subject.ts";

/** One row of the table, with its samples so far. */
interface Series extends Measured {
  readonly subject: Subject;
  readonly samples: Sample[];
}

type Report = (line: string) => void;

export class BenchGroup {
  /** Transport, workers, and the processors that server and load run on. */
  readonly title: string;
  readonly #options: BenchOptions;
  readonly #transport: TransportName;
  readonly #workers: number;
  readonly #placement: Placement;
  readonly #loaders: Loaders;

  constructor(options: BenchOptions, transport: TransportName, workers: number) {
    this.#options = options;
    this.#transport = transport;
    this.#workers = workers;
    this.#placement = place(workers);
    this.#loaders = new Loaders(this.#placement.load, Math.min(workers, this.#placement.loadProcessors), workers);
    this.title = `${transport}, ${plural(workers, "worker")}: ${this.#placement.text}`;
  }

  /**
   * Starts the servers of all sizes at once, so that each round can measure all of them. Those not being measured are
   * idle.
   */
  async run(report: Report): Promise<Row[]> {
    const { nodes, rounds, whats } = this.#options;
    const pin = this.#placement.server;
    await using running = new AsyncDisposableStack();
    const echoes = [this.#series("mmsg echo", 0, "hit", running.use(await Echo.mmsg(pin, this.#workers)))];
    // This echo has one thread, so it is compared only with a server that has one worker.
    if (this.#transport === "udp" && this.#workers === 1) {
      echoes.push(this.#series("udp echo", 0, "hit", running.use(await Echo.udp(pin))));
    }
    for (const { subject } of echoes) await this.#load(subject, nodes[0]!, "hit", 0);

    const blocks: Series[][] = [];
    for (const size of nodes) {
      const server = running.use(
        await Server.start(pin, serverOptions(this.#options, this.#transport, this.#workers, size)),
      );
      const took = await fill(this.#loaders, server, size, this.#options.seconds);
      report(`${count(size)} nodes announced in ${took.toFixed(1)} s`);
      blocks.push(whats.map((what) => this.#series("server", size, what, server)));
    }

    for (let round = 1; round <= rounds; round++) {
      for (const block of blocks) {
        const size = block[0]!.nodes;
        let floor: number | undefined;
        const figures: string[] = [];
        for (const series of [...echoes, ...block]) {
          const sample = await this.#measure(series, size, round, floor);
          floor ??= sample.cpu;
          series.samples.push(sample);
          figures.push(`${series.who === "server" ? series.what : series.who} ${sample.cpu.toFixed(2)}`);
        }
        report(`round ${round}, ${count(size)} nodes: ${figures.join(", ")} us`);
      }
    }
    return [...echoes, ...blocks.flat()].map(({ subject, samples, ...measured }) =>
      rowOf(measured, subject.resident(), samples),
    );
  }

  #series(who: Measured["who"], nodes: number, what: Workload, subject: Subject): Series {
    return { who, transport: this.#transport, workers: this.#workers, nodes, what, subject, samples: [] };
  }

  #load({ port }: Subject, nodes: number, what: Workload, seed: number) {
    return this.#loaders.run({ port, nodes, what, seconds: this.#options.seconds, seed });
  }

  /** @param floor - `cpu` of the mmsg echo in this round; undefined for that echo itself */
  async #measure({ subject, what }: Series, nodes: number, round: number, floor: number | undefined): Promise<Sample> {
    const before = await subject.stats?.();
    const cpuBefore = subject.cpu();
    const result = await this.#load(subject, nodes, what, round);
    const cpu = subject.cpu() - cpuBefore;
    const after = await subject.stats?.();

    // Costs are per reply if each packet gets one, otherwise per packet received. An echo replies to each packet.
    const perReply = what === "hit" || before === undefined || after === undefined;
    const each = cpu / (perReply ? result.replies : after.received - before.received);
    return {
      cpu: each,
      ratio: each / (floor ?? each),
      perSecond: perReply ? result.repliesPerSecond : result.perSecond,
      expected: result.expected,
      replies: result.replies,
      wrong: before === undefined ? 0 : result.wrong,
      limited: before === undefined || after === undefined ? 0 : limited(after) - limited(before),
      replaced: before === undefined || after === undefined ? 0 : after.replaced - before.replaced,
    };
  }
}

function limited({ verdicts }: ServerStats): number {
  return verdicts["limited-source"] + verdicts["limited-node"] + verdicts["limited-new"];
}
