/**
 * The control thread's view of an engine's memory: it reads counters and heartbeats and stops workers, while they run.
 */
import {
  COUNTER_DISPLACED,
  COUNTER_DRY_NEW,
  COUNTER_DRY_NODE,
  COUNTER_DRY_SOURCE,
  COUNTER_RECEIVED,
  COUNTER_SOCKET_ERRORS,
  COUNTER_UNSENT,
  COUNTERS,
  H_CAPACITY,
  H_DAMAGED,
  H_LANES,
  H_LANES_AT,
  H_POOL_USED,
  H_STOP,
  LANE_COUNTERS,
  LANE_HEARTBEAT,
  LANE_RETIRED,
  LANE_SEQUENCE,
  LANE_SIZE,
  type VERDICTS as VERDICT_COUNT,
} from "../../assembly/layout.ts";
import type { EngineMemory } from "./memory.ts";

/** Names of the verdicts, indexed by their codes. */
export const VERDICTS = [
  "answered",
  "unknown",
  "stored",
  "refreshed",
  "malformed",
  "limited-source",
  "limited-node",
  "limited-new",
  "full",
  "refused-id",
  "refused-port",
  "refused-source",
  "refused-device",
] as const;

/** The outcome for one datagram. */
export type Verdict = (typeof VERDICTS)[number];

/** Counters of all workers together, since the start. */
export interface EngineCounters {
  /** Datagrams processed: always the sum of `verdicts`. */
  readonly received: number;
  /** Number of datagrams per verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Datagrams that passed only because of the dry run, per limit that they exceeded. */
  readonly dryRun: Readonly<Record<"limited-source" | "limited-node" | "limited-new", number>>;
  /** Nodes announced only once that gave way to a new one, because the registry was full. */
  readonly displaced: number;
  /** Replies that the kernel refused to send. */
  readonly unsent: number;
  /** Errors that the sockets reported. */
  readonly socketErrors: number;
}

/** The counters, read once. */
export interface CounterReading {
  readonly sum: EngineCounters;
  /** Datagrams processed per lane: they add up to `sum.received`. */
  readonly received: readonly number[];
}

/** Attempts to read a lane's counters: a fraction of a millisecond in total, while a batch takes microseconds. */
const TRIES = 10_000;

export class EngineControl {
  /** Last consistent reading of each lane's counters. */
  readonly #seen = new Map<number, Float64Array>();
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;

  constructor(memory: EngineMemory) {
    this.#u32 = new Uint32Array(memory.buffer);
    this.#i32 = new Int32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
  }

  get capacity(): number {
    return this.#u32[H_CAPACITY >>> 2]!;
  }

  /** The control thread's own lane: the last one. */
  get lane(): number {
    return this.#u32[H_LANES >>> 2]! - 1;
  }

  /** Entries in use, including expired ones that have not been evicted yet. */
  get nodes(): number {
    return Atomics.load(this.#u32, H_POOL_USED >>> 2);
  }

  /** Whether an engine found that the registry contradicts itself. */
  get damaged(): boolean {
    return Atomics.load(this.#u32, H_DAMAGED >>> 2) !== 0;
  }

  /** Asks all workers to stop. Each worker checks once per batch. */
  stop(): void {
    Atomics.store(this.#i32, H_STOP >>> 2, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#i32, H_STOP >>> 2) !== 0;
  }

  /**
   * Whether the worker of `lane` must stop. Also counts as its heartbeat: a worker asks several times a second, with
   * and without traffic.
   */
  shouldStop(lane: number): boolean {
    const at = this.#at(lane);
    this.#i32[(at + LANE_HEARTBEAT) >>> 2]!++;
    return this.stopped || Atomics.load(this.#i32, (at + LANE_RETIRED) >>> 2) !== 0;
  }

  /** A counter that grows as long as the worker of `lane` lives, even while it waits for a lock. */
  heartbeat(lane: number): number {
    return Atomics.load(this.#i32, (this.#at(lane) + LANE_HEARTBEAT) >>> 2);
  }

  /**
   * Asks the worker of one lane to stop because another worker replaces it. It sees this only if it ever runs again.
   */
  retireLane(lane: number): void {
    Atomics.store(this.#i32, (this.#at(lane) + LANE_RETIRED) >>> 2, 1);
  }

  /** Makes a retired lane available to another worker. */
  reuseLane(lane: number): void {
    Atomics.store(this.#i32, (this.#at(lane) + LANE_RETIRED) >>> 2, 0);
  }

  #at(lane: number): number {
    return this.#u32[H_LANES_AT >>> 2]! + lane * LANE_SIZE;
  }

  /** The counters of all lanes together. */
  counters(): EngineCounters {
    return this.readCounters().sum;
  }

  /** Reads the counters of all lanes. Each lane's counters are read between two batches, so they are consistent. */
  readCounters(): CounterReading {
    const sums = new Float64Array(COUNTERS);
    const received: number[] = [];
    for (let lane = 0; lane <= this.lane; lane++) received.push(this.#addLane(lane, sums));
    return { sum: this.#named(sums), received };
  }

  #named(sums: Float64Array): EngineCounters {
    const verdicts = Object.fromEntries(VERDICTS.map((name, i) => [name, sums[i]!])) as Record<Verdict, number>;
    return {
      received: sums[COUNTER_RECEIVED]!,
      verdicts,
      dryRun: {
        "limited-source": sums[COUNTER_DRY_SOURCE]!,
        "limited-node": sums[COUNTER_DRY_NODE]!,
        "limited-new": sums[COUNTER_DRY_NEW]!,
      },
      displaced: sums[COUNTER_DISPLACED]!,
      unsent: sums[COUNTER_UNSENT]!,
      socketErrors: sums[COUNTER_SOCKET_ERRORS]!,
    };
  }

  /**
   * Adds a lane's counters to `sums`, and returns how many datagrams it received. Tries again while a batch is in progress. If
   * the worker died during a batch, uses the last consistent reading.
   */
  #addLane(lane: number, sums: Float64Array): number {
    const at = this.#at(lane);
    const from = (at + LANE_COUNTERS) >>> 3;
    for (let tries = 0; tries < TRIES; tries++) {
      const before = Atomics.load(this.#i32, (at + LANE_SEQUENCE) >>> 2);
      if ((before & 1) !== 0) continue;
      const seen = this.#f64.slice(from, from + COUNTERS);
      if (Atomics.add(this.#i32, (at + LANE_SEQUENCE) >>> 2, 0) !== before) continue;
      this.#seen.set(lane, seen);
      break;
    }
    const seen = this.#seen.get(lane);
    seen?.forEach((count, i) => {
      sums[i]! += count;
    });
    return seen?.[COUNTER_RECEIVED] ?? 0;
  }
}

// Compile-time check: VERDICTS has a name for each code in layout.ts.
VERDICTS.length satisfies typeof VERDICT_COUNT;
