/** What the control thread reads and says in an engine's memory while others work on it. */
import {
  COUNTER_DRY_NEW,
  COUNTER_DRY_NODE,
  COUNTER_DRY_SOURCE,
  COUNTER_RECEIVED,
  COUNTER_SOCKET_ERRORS,
  COUNTER_UNSENT,
  COUNTERS,
  H_CAPACITY,
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

/** Names of the verdicts; the place of a name is its code. */
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
] as const;

/** What became of a datagram. */
export type Verdict = (typeof VERDICTS)[number];

/** What became of all datagrams so far, those of all workers together. */
export interface EngineCounters {
  /** Datagrams taken: always the sum of `verdicts`. */
  readonly received: number;
  /** How many met with which verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** What the limits would have stopped in a dry run. */
  readonly dryRun: Readonly<Record<"limited-source" | "limited-node" | "limited-new", number>>;
  /** Replies that the kernel would not take. */
  readonly unsent: number;
  /** Errors that the socket reported. */
  readonly socketErrors: number;
}

/**
 * Readings of a lane's counters before it is given up: a fraction of a millisecond, where a batch takes microseconds.
 */
const TRIES = 10_000;

export class EngineControl {
  /** The counters of each lane as they were read last. */
  readonly #seen = new Map<number, Float64Array>();
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;

  constructor(memory: WebAssembly.Memory) {
    this.#u32 = new Uint32Array(memory.buffer);
    this.#i32 = new Int32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
  }

  get capacity(): number {
    return this.#u32[H_CAPACITY >>> 2]!;
  }

  /** The lane that is the control thread's own: the last one. */
  get lane(): number {
    return this.#u32[H_LANES >>> 2]! - 1;
  }

  /** Entries in use, those included whose time is over and that nobody has swept yet. */
  get nodes(): number {
    return Atomics.load(this.#u32, H_POOL_USED >>> 2);
  }

  /** Tells every worker to stop; each looks once a batch. */
  stop(): void {
    Atomics.store(this.#i32, H_STOP >>> 2, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#i32, H_STOP >>> 2) !== 0;
  }

  /**
   * Whether the worker of `lane` is to stop. It asks several times a second, with each batch and without: so it shows
   * that it lives.
   */
  shouldStop(lane: number): boolean {
    const at = this.#at(lane);
    this.#i32[(at + LANE_HEARTBEAT) >>> 2]!++;
    return this.stopped || Atomics.load(this.#i32, (at + LANE_RETIRED) >>> 2) !== 0;
  }

  /** A figure that moves on as long as the worker of `lane` lives, even while it waits for another one. */
  heartbeat(lane: number): number {
    return Atomics.load(this.#i32, (this.#at(lane) + LANE_HEARTBEAT) >>> 2);
  }

  /** Tells the worker of one lane to stop, should it ever ask again: its place is another's. */
  retireLane(lane: number): void {
    Atomics.store(this.#i32, (this.#at(lane) + LANE_RETIRED) >>> 2, 1);
  }

  /** The lane is free for another worker. */
  reuseLane(lane: number): void {
    Atomics.store(this.#i32, (this.#at(lane) + LANE_RETIRED) >>> 2, 0);
  }

  #at(lane: number): number {
    return this.#u32[H_LANES_AT >>> 2]! + lane * LANE_SIZE;
  }

  /** The counters of all lanes, each lane's as they stood between two batches. */
  counters(): EngineCounters {
    const sums = new Float64Array(COUNTERS);
    for (let lane = 0; lane <= this.lane; lane++) this.#addLane(lane, sums);
    const verdicts = Object.fromEntries(VERDICTS.map((name, i) => [name, sums[i]!])) as Record<Verdict, number>;
    return {
      received: sums[COUNTER_RECEIVED]!,
      verdicts,
      dryRun: {
        "limited-source": sums[COUNTER_DRY_SOURCE]!,
        "limited-node": sums[COUNTER_DRY_NODE]!,
        "limited-new": sums[COUNTER_DRY_NEW]!,
      },
      unsent: sums[COUNTER_UNSENT]!,
      socketErrors: sums[COUNTER_SOCKET_ERRORS]!,
    };
  }

  /**
   * Reads again while a batch is under way, which takes microseconds; of a worker that died in one, what was read last.
   */
  #addLane(lane: number, sums: Float64Array): void {
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
    this.#seen.get(lane)?.forEach((count, i) => {
      sums[i]! += count;
    });
  }
}

// The names above and the codes in layout.ts are one list.
VERDICTS.length satisfies typeof VERDICT_COUNT;
