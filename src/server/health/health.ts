/** Whether a server serves, and what is wrong with it. */
import { type EngineControl, type EngineMemory, NodeReader } from "../../engine/index.ts";
import type { Clock } from "../clock.ts";
import type { GlobalDiscovery } from "../https/global-discovery.ts";
import type { Problem } from "../inspect.ts";
import type { Journaling } from "../journaling.ts";
import type { ResolvedServerOptions } from "../options.ts";
import type { WorkerPool } from "../workers/pool.ts";
import type { WorkerReports } from "../workers/reports.ts";
import { KernelQueues } from "./kernel-queues.ts";
import { Monitor } from "./monitor.ts";
import { Probe } from "./probe.ts";
import { ReadinessChecks } from "./readiness.ts";
import type { Sample } from "./rules/rule.ts";

/** Two readings of clocks that are further apart, in ms, were interrupted: this thread did not run in between. */
const INTERRUPTED_MS = 100;
/** How often the monitor looks. */
const LOOK_MS = 1000;

/** The parts of a server. */
export interface HealthParts {
  readonly options: ResolvedServerOptions;
  /** Where its probes come from; see {@link probeSource}. */
  readonly source: string;
  readonly memory: EngineMemory;
  readonly control: EngineControl;
  readonly clock: Clock;
  readonly journaling: Journaling;
  readonly workers: WorkerPool;
  readonly reports: WorkerReports;
  readonly global: GlobalDiscovery;
}

export class Health {
  readonly queues: KernelQueues;
  readonly readiness: ReadinessChecks;
  readonly #parts: HealthParts;
  readonly #monitor: Monitor;
  #nextLook = 0;

  private constructor(parts: HealthParts, queues: KernelQueues) {
    const { options, source, memory, control, clock, journaling, workers } = parts;
    this.#parts = parts;
    this.queues = queues;
    this.#monitor = new Monitor();
    const probe = new Probe({
      addresses: workers.addresses,
      port: workers.port,
      maxIdLength: options.maxIdLength,
      source,
      reader: new NodeReader(memory, control.lane),
      now: () => clock.now(),
      full: () => control.nodes >= control.capacity,
    });
    this.readiness = new ReadinessChecks({
      workers: options.workers,
      listening: () => workers.listening,
      missing: () => workers.missing,
      restored: () => journaling.restored,
      probe: () => probe.run(),
    });
    this.tick();
  }

  /** Reads the kernel's counters for the first time: later readings are compared with them. */
  static async start(parts: HealthParts): Promise<Health> {
    const queues = new KernelQueues(parts.workers.port, () => parts.workers.inodes);
    await queues.read();
    return new Health(parts, queues);
  }

  /** Packets that the kernel dropped since the start because they came too fast; undefined where Linux does not tell. */
  get kernelDrops(): number | undefined {
    const { xdp } = this.#parts.workers;
    return xdp === undefined ? this.queues.drops : (this.queues.drops ?? 0) + xdp.dropped;
  }

  get problems(): readonly Problem[] {
    return this.#monitor.problems;
  }

  /** To be called several times a second. */
  tick(): void {
    const now = performance.now();
    if (now < this.#nextLook) return;
    this.#nextLook = now + LOOK_MS;
    void this.queues.read();
    this.#monitor.look(this.#sample(now));
  }

  #sample(now: number): Sample {
    const { options, control, journaling, workers, reports, global } = this.#parts;
    return {
      counters: control.counters(),
      nodes: control.nodes,
      capacity: control.capacity,
      kernelDrops: this.kernelDrops,
      xdp: workers.xdp,
      journal: journaling.stats(),
      restored: journaling.restored,
      workers: options.workers,
      missing: workers.missing,
      replaced: workers.replaced,
      https: global.stats(),
      httpsMissing: global.missing,
      receiveBuffer: { granted: workers.receiveBuffer, asked: options.receiveBuffer },
      socketsGiven: options.sockets.length > 0,
      dryRun: options.limitDryRun,
      mostLimited: () => {
        reports.read(now);
        return reports.limited.list(now)[0];
      },
      clock: clockDifference(),
    };
  }
}

/** The system's clock minus one that does not step, in ms; undefined if it cannot be told now, because this thread was starved. */
function clockDifference(): number | undefined {
  const before = performance.now();
  const system = Date.now();
  return performance.now() - before > INTERRUPTED_MS ? undefined : system - before;
}
