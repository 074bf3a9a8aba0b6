/**
 * Counters per worker slot. The memory has counters per lane, and a lane is used by one slot after the other. So what each
 * reading finds to be new in a lane is added to the slot that used the lane last.
 */
import type { CounterReading, EngineControl } from "../../engine/index.ts";
import type { WorkerStats } from "../stats.ts";
import type { PacketWorker } from "./packet-worker.ts";
import { threadCpuMs } from "./threads.ts";

/** A lane that a slot uses or has used, and how much of it was added to slots. */
interface LaneUse {
  readonly slot: SlotCounters;
  received: number;
  heartbeat: number;
}

/** The counters of one slot. */
interface SlotCounters {
  /** The lane of its last worker. */
  lane: number;
  received: number;
  heartbeats: number;
  /** When the last heartbeat was seen, by `performance.now()`. */
  heardAt: number;
  /** Processor time of workers whose threads have ended, in ms. */
  endedCpuMs: number;
  /** Its worker, and former ones whose threads have not ended, with their processor times. */
  readonly cpuMs: Map<PacketWorker, number>;
}

export class WorkerCounters {
  readonly #control: EngineControl;
  readonly #slots: readonly SlotCounters[];
  readonly #lanes = new Map<number, LaneUse>();
  /** Whether the system reports processor times. */
  readonly #knowsCpu = threadCpuMs(process.pid) !== undefined;

  constructor(control: EngineControl, slots: number) {
    this.#control = control;
    this.#slots = Array.from({ length: slots }, () => ({
      lane: -1,
      received: 0,
      heartbeats: 0,
      heardAt: performance.now(),
      endedCpuMs: 0,
      cpuMs: new Map(),
    }));
  }

  /** From now on a worker counts for its slot. To be called when it is started. */
  assign(worker: PacketWorker): void {
    this.update();
    const { lane } = worker;
    const slot = this.#slots[worker.number - 1]!;
    slot.lane = lane;
    const received = this.#lanes.get(lane)?.received ?? 0;
    this.#lanes.set(lane, { slot, received, heartbeat: this.#control.heartbeat(lane) });
    slot.cpuMs.set(worker, 0);
    void worker.ended.then(() => {
      // From now on the system may give the number of this thread to another one.
      slot.endedCpuMs += slot.cpuMs.get(worker)!;
      slot.cpuMs.delete(worker);
    });
  }

  /** Adds what is new in all lanes. */
  update(reading: CounterReading = this.#control.readCounters()): void {
    this.hear();
    for (const [lane, use] of this.#lanes) {
      const received = reading.received[lane]!;
      use.slot.received += received - use.received;
      use.received = received;
    }
  }

  /** Looks for heartbeats: at every tick. */
  hear(): void {
    const now = performance.now();
    for (const [lane, use] of this.#lanes) {
      const heartbeat = this.#control.heartbeat(lane);
      // The counter in the memory has 32 bits.
      const beats = (heartbeat - use.heartbeat) >>> 0;
      if (beats === 0) continue;
      use.heartbeat = heartbeat;
      use.slot.heartbeats += beats;
      if (use.slot.lane === lane) use.slot.heardAt = now;
    }
  }

  /** Reads the processor time of a worker and its predecessors. The system forgets that of a thread when it ends. */
  readCpu({ number }: Pick<PacketWorker, "number">): void {
    const { cpuMs } = this.#slots[number - 1]!;
    for (const [worker, before] of cpuMs) cpuMs.set(worker, Math.max(before, threadCpuMs(worker.thread) ?? 0));
  }

  /** The counters of a slot, from 1 on, at the last {@link update}. */
  of(number: number): Pick<WorkerStats, "received" | "heartbeats" | "silence" | "cpuSeconds"> {
    this.readCpu({ number });
    const { received, heartbeats, heardAt, endedCpuMs, cpuMs } = this.#slots[number - 1]!;
    const total = [...cpuMs.values()].reduce((a, b) => a + b, endedCpuMs);
    return {
      received,
      heartbeats,
      silence: (performance.now() - heardAt) / 1000,
      cpuSeconds: this.#knowsCpu ? total / 1000 : undefined,
    };
  }
}
