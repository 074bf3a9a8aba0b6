/**
 * The packet workers of a server: starts, watches, replaces and stops them.
 *
 * A running worker increments its heartbeat counter in the shared memory, even while it waits for a lock. If the counter
 * stops, or the thread ends, another worker takes its place. What the failed worker left behind in the registry is
 * repaired, and its locks are freed, so that the other workers can go on.
 */
import { setTimeout } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { type EngineControl, type EngineMemory, EngineRepair } from "../../engine/index.ts";
import type { Clock } from "../clock.ts";
import { cannotListen, ServerError } from "../error.ts";
import type { ResolvedServerOptions } from "../options.ts";
import type { Listening, WorkerStart } from "./messages.ts";
import { PacketWorker, within } from "./packet-worker.ts";
import { TICK_MS, WorkerSlot } from "./slot.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How many workers start at the same time. If many more did, each might be too slow to start in time. */
const WAVE = 16;
/** If the timer itself is this late, the main thread was stalled, so a missing heartbeat proves nothing. */
const LATE_MS = 250;
/** How long to wait for a thread to end after it was terminated. */
const END_MS = 300;
/** The same, while the server stops. */
const LAST_END_MS = 200;
/** How long a worker may take to stop when the server stops. */
const STOP_MS = 500;
/** A worker without a heartbeat for this long is not waited for any longer. */
const STOP_HEARTBEAT_MS = 250;
/** Pause before a repair that had to wait for another worker's lock is tried again. */
const REPAIR_MS = 5;
/**
 * A thread that could not be terminated may wake up and take locks for a moment. If it holds one at this many ticks in a
 * row, the lock is freed.
 */
const HOLDING_TICKS = 5;

/** Options that all workers have in common. */
type Start = Omit<WorkerStart, "lane" | "engine" | "socketRecord">;

/** A worker whose thread could not be terminated. */
interface LostWorker {
  readonly lane: number;
  /** Ticks in a row at which it held a lock. */
  holding: number;
}

export class WorkerPool {
  readonly port: number;
  /** The numeric address that all workers listen on. */
  readonly address: string;
  /** The smallest receive buffer that a worker was granted, in bytes. */
  readonly receiveBuffer: number | undefined;
  /** Rejects with a {@link ServerError} after a fatal failure; resolves when all workers were stopped. */
  readonly closed: Promise<void>;
  /** Number of workers that were replaced. */
  replaced = 0;
  readonly #start: Start;
  readonly #control: EngineControl;
  readonly #repair: EngineRepair;
  readonly #slots: readonly WorkerSlot[];
  /** Workers that are starting or running: those that `#remove` has not terminated. */
  readonly #workers = new Set<PacketWorker>();
  /** Removals of workers that are in progress. Each resolves to notes for the log. */
  readonly #removals = new Set<Promise<string[]>>();
  readonly #lost = new Set<LostWorker>();
  readonly #freeLanes: number[];
  readonly #closing = Promise.withResolvers<void>();
  readonly #timer: Timer;
  #lastTick = performance.now();
  #stopping: Promise<void> | undefined;
  /** Set when the server stops or has failed: no worker is replaced any more. */
  #over = false;

  private constructor(
    start: Start,
    control: EngineControl,
    slots: readonly WorkerSlot[],
    listening: readonly Listening[],
  ) {
    this.#start = start;
    this.#control = control;
    this.#repair = new EngineRepair(start.memory, control.lane);
    this.#slots = slots;
    this.#freeLanes = Array.from({ length: control.lane - slots.length }, (_, i) => slots.length + i);
    this.port = start.port;
    this.address = start.host;
    const granted = listening.map(({ receiveBuffer }) => receiveBuffer).filter((bytes) => bytes !== undefined);
    this.receiveBuffer = granted.length > 0 ? Math.min(...granted) : undefined;
    this.closed = this.#closing.promise;
    // An unhandled rejection here must not crash the program.
    this.closed.catch(() => {});
    for (const slot of slots) this.#fill(slot, slot.worker!);
    this.#timer = setInterval(() => this.#guarded(() => this.#tick()), TICK_MS);
  }

  /** @throws {ServerError} if one of the workers cannot listen. */
  static async start(
    memory: EngineMemory,
    control: EngineControl,
    clock: Clock,
    options: ResolvedServerOptions,
  ): Promise<WorkerPool> {
    const { host, port, transport, receiveBuffer, workers } = options;
    const engines = [options.engine].flat();
    const slots = Array.from({ length: workers }, (_, i) => new WorkerSlot(i + 1, engines[i % engines.length]!));
    const open = (start: Start, lane: number) => {
      const slot = slots[lane]!;
      slot.worker = new PacketWorker({ ...start, lane, engine: slot.engine });
      return slot.worker.listening;
    };
    const { epoch } = clock;
    const start: Start = { memory, transport, host, port, reusePort: "first", receiveBuffer, epoch };
    try {
      const first = await open(start, 0);
      // All workers use the address of the first: a name may resolve to another one later.
      const joining: Start = { ...start, host: first.address, port: first.port, reusePort: "join" };
      const listening = [first];
      for (let lane = 1; lane < slots.length; lane += WAVE) {
        const wave = slots.slice(lane, lane + WAVE).map((_, i) => open(joining, lane + i));
        listening.push(...(await Promise.all(wave)));
      }
      return new WorkerPool(joining, control, slots, listening);
    } catch (error) {
      await Promise.all(slots.map(({ worker }) => worker?.end(END_MS)));
      throw cannotListen(host, port, error as ServerError);
    }
  }

  /** Number of workers that listen. */
  get listening(): number {
    return this.#slots.filter(({ worker }) => worker !== undefined).length;
  }

  /** Stops all workers and frees the port. Takes less than a second, even if workers are stuck. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#over = true;
    // Sets a flag and sends messages: a worker under a flood sees only the flag, an idle worker only the message.
    this.#control.stop();
    const workers = [...this.#workers];
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map((worker) => this.#waitForStop(worker)));
    clearInterval(this.#timer);
    for (const worker of workers) void this.#remove(worker, LAST_END_MS);
    // Includes the removals of workers that had failed before.
    await Promise.all(this.#removals);
    this.#closing.resolve();
  }

  /** Waits until a worker has stopped, or its heartbeat has, but no longer than STOP_MS. */
  async #waitForStop({ lane, stopped }: PacketWorker): Promise<void> {
    let heartbeat = this.#control.heartbeat(lane);
    for (let waited = 0; waited < STOP_MS; waited += STOP_HEARTBEAT_MS) {
      if (await within(STOP_HEARTBEAT_MS, stopped)) return;
      const now = this.#control.heartbeat(lane);
      if (now === heartbeat) return;
      heartbeat = now;
    }
  }

  /** Repairs what the control thread's own engine left behind when it failed. */
  repairControl(): void {
    this.#guarded(() => this.#repair.repair(this.#control.lane));
  }

  /** Puts a worker that listens into a slot. */
  #fill(slot: WorkerSlot, worker: PacketWorker): void {
    this.#workers.add(worker);
    slot.setWorker(worker);
    void worker.failed.then((error) => this.#replace(slot, worker, error.message));
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#lastTick > LATE_MS;
    this.#lastTick = now;
    this.#repair.fixSequences();
    // The control thread is not inside its engine now. It holds a lock only if a call of its engine has failed.
    if (this.#repair.holdsLock(this.#control.lane)) this.#repair.repair(this.#control.lane);
    for (const slot of this.#slots) {
      const { worker } = slot;
      if (worker === undefined || !slot.isStuck(this.#control.heartbeat(worker.lane), late)) continue;
      worker.revokeSocket();
      void this.#replace(slot, worker, "its heartbeat stopped");
    }
    for (const lost of this.#lost) {
      lost.holding = this.#repair.holdsLock(lost.lane) ? lost.holding + 1 : 0;
      if (lost.holding >= HOLDING_TICKS) this.#repair.repair(lost.lane);
    }
  }

  async #replace(slot: WorkerSlot, worker: PacketWorker, why: string): Promise<void> {
    if (this.#over || slot.worker !== worker) return;
    const from = performance.now();
    slot.fail();
    const removed = this.#remove(worker, END_MS);
    const replaced = await this.#refill(slot, why);
    const ms = Math.round(performance.now() - from);
    const notes = await removed;
    if (!replaced) return;
    this.replaced++;
    logger.warning("packet worker {worker} was replaced after {ms} ms: {why}", {
      worker: slot.number,
      ms,
      why: [why, ...notes].join("; "),
    });
  }

  /**
   * Terminates a worker's thread and repairs what it leaves behind in the memory.
   *
   * @param ms how long to wait for the thread to end
   * @returns notes for the log
   */
  async #remove(worker: PacketWorker, ms: number): Promise<string[]> {
    if (!this.#workers.delete(worker)) return [];
    const removal = this.#endAndRepair(worker, ms);
    this.#removals.add(removal);
    try {
      return await removal;
    } finally {
      this.#removals.delete(removal);
    }
  }

  async #endAndRepair(worker: PacketWorker, ms: number): Promise<string[]> {
    const notes: string[] = [];
    const { lane } = worker;
    this.#control.retireLane(lane);
    const ended = await worker.end(ms);
    const held = this.#guarded(() => this.#repair.holdsLock(lane)) === true;
    if (held) notes.push("the lock that it held was freed");
    if (ended) {
      await this.#reclaimLane(lane);
    } else {
      notes.push("its thread could not be terminated");
      // Its lane is repaired all the same, because other workers wait for the locks that it holds.
      await this.#repairLane(lane);
      const lost = { lane, holding: 0 };
      this.#lost.add(lost);
      void worker.ended.then(() => {
        this.#lost.delete(lost);
        return this.#reclaimLane(lane);
      });
    }
    return notes;
  }

  /** Repairs the lane of a thread that has ended, and makes the lane available to another worker. */
  async #reclaimLane(lane: number): Promise<void> {
    await this.#repairLane(lane);
    this.#control.reuseLane(lane);
    this.#freeLanes.push(lane);
  }

  async #repairLane(lane: number): Promise<void> {
    while (this.#guarded(() => this.#repair.repair(lane)) === false) await Bun.sleep(REPAIR_MS);
  }

  /**
   * Starts a worker for an empty slot. If that fails, tries again after longer and longer pauses.
   *
   * @returns false if the server stops meanwhile
   */
  async #refill(slot: WorkerSlot, why: string): Promise<boolean> {
    let failure = why;
    for (;;) {
      if (this.#slots.every(({ hopeless }) => hopeless)) this.#giveUp(`the packet workers keep failing: ${failure}`);
      // Without `ref`, this timer does not keep the program running after the server was stopped.
      if (slot.backoff > 0) await setTimeout(slot.backoff, undefined, { ref: false });
      // If many workers fail at once, there may be too few spare lanes until their threads have ended.
      while (this.#freeLanes.length === 0 && this.#removals.size > 0) await Promise.race(this.#removals);
      if (this.#over) return false;
      try {
        const worker = await this.#open(slot);
        if (this.#over) return false;
        this.#fill(slot, worker);
        return true;
      } catch (error) {
        slot.fail();
        failure = (error as Error).message;
        logger.error("packet worker {worker} could not be replaced: {failure}", { worker: slot.number, failure });
      }
    }
  }

  /** Starts a worker and waits until it listens. */
  async #open({ engine }: WorkerSlot): Promise<PacketWorker> {
    const lane = this.#freeLanes.shift();
    if (lane === undefined) throw new ServerError("threads that could not be terminated use all lanes");
    const worker = new PacketWorker({ ...this.#start, lane, engine });
    this.#workers.add(worker);
    try {
      await worker.listening;
      return worker;
    } catch (error) {
      await this.#remove(worker, END_MS);
      throw error;
    }
  }

  /** Runs `work`, which accesses the registry. If it throws, the registry is damaged and no worker can use it either. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#giveUp(`the registry is damaged: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Fatal: the owner must stop the server. */
  #giveUp(why: string): void {
    this.#over = true;
    clearInterval(this.#timer);
    this.#closing.reject(new ServerError(why));
  }
}
