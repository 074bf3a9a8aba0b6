/**
 * The packet workers of a server: starts, watches, replaces and stops them.
 *
 * A running worker increments its heartbeat counter in the shared memory, even while it waits for a lock. If the counter
 * stops, or the thread ends, another worker takes its place. When the failed worker's thread has ended, what it left
 * behind in the registry is repaired, and its locks are freed. Before that nothing of it is touched: a thread that was
 * only asleep would damage the registry when it goes on. docs/reliability.md has the rule.
 */
import { setTimeout } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { type CounterReading, type EngineControl, type EngineMemory, EngineRepair } from "../../engine/index.ts";
import { describeGivenSockets, givenSocketsOf } from "../../transport/given-sockets.ts";
import type { XdpStatus } from "../../transport/xdp/status.ts";
import type { Clock } from "../clock.ts";
import { cannotListen, ServerError } from "../error.ts";
import { type ResolvedServerOptions, SPARE_LANES } from "../options.ts";
import type { WorkerStats } from "../stats.ts";
import { WorkerCounters } from "./counters.ts";
import { EndingWorker, HOLD_S } from "./ending.ts";
import type { Listening, WorkerStart } from "./messages.ts";
import { checkDescriptors, PacketWorker, within } from "./packet-worker.ts";
import type { WorkerQueues } from "./queues.ts";
import type { WorkerReports } from "./reports.ts";
import { WorkerSlot } from "./slot.ts";
import { untilStopped } from "./stopping.ts";
import { Ticks } from "./ticks.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How many workers start at the same time. If many more did, each might be too slow to start in time. */
const WAVE = 16;
/** How long to wait for a thread to end after it was terminated. */
const END_MS = 300;
/** The same, while the server stops. */
const LAST_END_MS = 200;
/** How long a stuck worker keeps its socket while its successor starts. */
const KEEP_SOCKET_MS = 2000;
/** Pause before a repair that had to wait for another worker's lock is tried again. */
const REPAIR_MS = 5;

/** Options that all workers have in common. */
type Start = Omit<WorkerStart, "lane" | "engine" | "given" | "socketRecord" | "report">;

export class WorkerPool {
  readonly port: number;
  /** The numeric addresses that all workers listen on. */
  readonly addresses: readonly string[];
  /** The smallest receive buffer that a worker was granted, in bytes. */
  readonly receiveBuffer: number | undefined;
  /** Rejects with a {@link ServerError} after a fatal failure; resolves when all workers were stopped. */
  readonly closed: Promise<void>;
  /** Number of workers that were replaced. */
  replaced = 0;
  /** Whether the registry is damaged, so that nothing of it may be saved. */
  damaged = false;
  readonly #start: Start;
  readonly #control: EngineControl;
  readonly #repair: EngineRepair;
  readonly #slots: readonly WorkerSlot[];
  readonly #counters: WorkerCounters;
  /** Workers that are starting or running: those that `#remove` has not terminated. */
  readonly #workers = new Set<PacketWorker>();
  /** Removals of workers that are in progress. Each resolves to notes for the log. */
  readonly #removals = new Set<Promise<string[]>>();
  readonly #ending = new Set<EndingWorker>();
  readonly #freeLanes: number[];
  readonly #closing = Promise.withResolvers<void>();
  readonly #ticks: Ticks;
  readonly #reports: WorkerReports;
  readonly #warn: (text: string) => void;
  /** Undefined without the transport xdp. */
  readonly #queues: WorkerQueues | undefined;
  #stopping: Promise<void> | undefined;
  /** Set when the server stops or has failed: no worker is replaced any more. */
  #over = false;
  /** Set when the server has stopped: nothing is repaired any more. */
  #stopped = false;

  private constructor(
    start: Start,
    control: EngineControl,
    ticks: Ticks,
    reports: WorkerReports,
    warn: (text: string) => void,
    slots: readonly WorkerSlot[],
    counters: WorkerCounters,
    listening: readonly Listening[],
    queues: WorkerQueues | undefined,
  ) {
    this.#start = start;
    this.#ticks = ticks;
    this.#reports = reports;
    this.#warn = warn;
    this.#control = control;
    this.#repair = new EngineRepair(start.memory, control.lane);
    this.#slots = slots;
    this.#counters = counters;
    this.#freeLanes = Array.from({ length: SPARE_LANES }, (_, i) => slots.length + i);
    this.port = start.port;
    this.addresses = start.hosts;
    const granted = listening.map(({ receiveBuffer }) => receiveBuffer).filter((bytes) => bytes !== undefined);
    this.receiveBuffer = granted.length > 0 ? Math.min(...granted) : undefined;
    this.#queues = queues;
    this.closed = this.#closing.promise;
    // An unhandled rejection here must not crash the program.
    this.closed.catch(() => {});
    for (const slot of slots) this.#fill(slot, slot.worker!);
    ticks.each(() => this.#tick());
  }

  /** @throws {ServerError} if one of the workers cannot listen. */
  static async start(
    memory: EngineMemory,
    control: EngineControl,
    clock: Clock,
    options: ResolvedServerOptions,
    hosts: readonly string[],
    reports: WorkerReports,
  ): Promise<WorkerPool> {
    const { port, transport, receiveBuffer, workers, sharePort, coalesce } = options;
    const engines = [options.engine].flat();
    const given = describeGivenSockets(options.sockets);
    const slots = Array.from(
      { length: workers },
      (_, i) => new WorkerSlot(i + 1, engines[i % engines.length]!, givenSocketsOf(i, workers, given)),
    );
    const ticks = new Ticks();
    const warn = (text: string) => logger.warning("{text}", { text });
    const counters = new WorkerCounters(control, workers);
    const open = (start: Start, lane: number) => {
      const slot = slots[lane]!;
      checkDescriptors();
      const { engine, given } = slot;
      slot.worker = new PacketWorker(slot.number, { ...start, lane, engine, given }, ticks, reports, warn);
      counters.assign(slot.worker);
      return slot.worker.listening;
    };
    const { epoch } = clock;
    const reusePort = sharePort ? "join" : "first";
    const start: Start = { memory, transport, hosts, port, reusePort, receiveBuffer, coalesce, epoch };
    try {
      const first = await open(start, 0);
      // All workers use the addresses of the first: a name may resolve to another one later.
      const joining: Start = { ...start, hosts: first.addresses, port: first.port, reusePort: "join" };
      const listening = [first];
      for (let lane = 1; lane < slots.length; lane += WAVE) {
        const wave = slots.slice(lane, lane + WAVE).map((_, i) => open(joining, lane + i));
        listening.push(...(await Promise.all(wave)));
      }
      // Loaded on use: few servers use xdp.
      const queues = transport === "xdp" ? new (await import("./queues.ts")).WorkerQueues(options, first) : undefined;
      return new WorkerPool(joining, control, ticks, reports, warn, slots, counters, listening, queues);
    } catch (error) {
      ticks.stop();
      await Promise.all(slots.map(({ worker }) => worker && endOrCutOff(worker, END_MS)));
      const where = given.length > 0 ? [...new Set(given.map(({ address }) => address.text))] : [options.host].flat();
      throw cannotListen(where, given[0]?.port ?? port, error as ServerError & { host?: string });
    }
  }

  /** The inode numbers of all sockets that are open. */
  get inodes(): number[] {
    return [...this.#workers].flatMap(({ inodes }) => inodes);
  }

  /** What the transport xdp does; undefined without it. */
  get xdp(): XdpStatus | undefined {
    return this.#queues?.status;
  }

  /** Resolves when each queue of the transport xdp is served or cannot be. */
  async queuesSettled(): Promise<void> {
    await this.#queues?.settled();
  }

  /** Number of workers that listen. */
  get listening(): number {
    return this.#slots.filter(({ worker }) => worker !== undefined).length;
  }

  /** The numbers of the workers that are being replaced, or whose heartbeats stand still. */
  get missing(): number[] {
    return this.#slots.filter(({ alive }) => !alive).map(({ number }) => number);
  }

  /** Stops all workers and frees the port. Takes less than a second, even if workers are stuck. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#over = true;
    // New packets go to the sockets. Those that have arrived are still handled.
    this.#queues?.detach();
    // Sets a flag and sends messages: a worker under a flood sees only the flag, an idle worker only the message.
    this.#control.stop();
    const workers = [...this.#workers];
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map((worker) => untilStopped(worker, this.#control, this.#ticks)));
    for (const worker of workers) void this.#remove(worker, LAST_END_MS);
    // Includes the removals of workers that had failed before. A repair may wait for a lock that is never freed.
    await within(2 * LAST_END_MS, Promise.all(this.#removals));
    this.#stopped = true;
    this.#queues?.close();
    this.#ticks.stop();
    this.#closing.resolve();
  }

  /** Statistics of all workers, whose `received` adds up to that of the reading. */
  stats(reading: CounterReading): WorkerStats[] {
    this.#counters.update(reading);
    return this.#slots.map(({ number, engine, worker, replaced }) => ({
      number,
      running: worker !== undefined,
      engine,
      ...this.#counters.of(number),
      replaced,
    }));
  }

  /** Repairs what the control thread's own engine left behind when it failed. */
  repairControl(): void {
    this.#guarded(() => this.#repair.repair(this.#control.lane));
  }

  /** Puts a worker that listens into a slot. */
  #fill(slot: WorkerSlot, worker: PacketWorker): void {
    this.#workers.add(worker);
    slot.setWorker(worker);
    this.#queues?.offer(worker);
    void worker.failed.then((error) => this.#replace(slot, worker, error.message));
  }

  #tick(): void {
    this.#counters.hear();
    if (this.#over) return;
    if (this.#control.damaged) this.#giveUpDamaged("it contradicts itself");
    // The control thread is not inside its engine now. It holds a lock only if a call of its engine has failed.
    if (this.#holdsLock(this.#control.lane)) this.repairControl();
    for (const slot of this.#slots) {
      const { worker } = slot;
      const why = worker && slot.stuck(this.#control.heartbeat(worker.lane), this.#ticks);
      if (why !== undefined) void this.#replace(slot, worker!, why, true);
    }
    for (const ending of this.#ending) {
      ending.cutOff();
      const { lane, number } = ending.worker;
      if (!ending.holdsTooLong(this.#holdsLock(lane), this.#ticks)) continue;
      this.#giveUp(
        `packet worker ${number} hangs in the middle of a change of the registry, and its thread did not end within ${HOLD_S} s: start the server again`,
      );
    }
  }

  /**
   * Replaces a worker.
   *
   * A stuck one keeps its socket until its successor listens: packets wait there instead of being refused. But not if the
   * others wait for its lock, or its successor for its lane.
   */
  async #replace(slot: WorkerSlot, worker: PacketWorker, why: string, stuck = false): Promise<void> {
    if (this.#over || slot.worker !== worker) return;
    const from = performance.now();
    this.#queues?.revoke(worker);
    slot.fail();
    this.#control.retireLane(worker.lane);
    const keep = stuck && this.#freeLanes.length > 0 && !this.#holdsLock(worker.lane);
    const remove = () => this.#remove(worker, END_MS);
    const removed = keep ? undefined : remove();
    const refilled = this.#refill(slot, why);
    const notes = await (removed ?? within(KEEP_SOCKET_MS, refilled).then(remove));
    if (!(await refilled)) return;
    this.replaced++;
    slot.replaced++;
    logger.warning("packet worker {worker} was replaced after {ms} ms: {why}", {
      worker: slot.number,
      ms: Math.round(performance.now() - from),
      why: [why, ...notes].join("; "),
    });
  }

  /**
   * Terminates a worker's thread. As soon as it has ended, repairs what it left behind in the memory.
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
    this.#control.retireLane(worker.lane);
    this.#counters.readCpu(worker);
    const ending = new EndingWorker(worker);
    ending.cutOff();
    if (await worker.end(ms)) return await this.#reclaimLane(worker.lane);
    this.#ending.add(ending);
    void worker.ended.then(() => {
      this.#ending.delete(ending);
      return this.#reclaimLane(worker.lane);
    });
    return ["its thread has not ended yet"];
  }

  /** Repairs the lane of a thread that has ended, and makes the lane available to another worker. */
  async #reclaimLane(lane: number): Promise<string[]> {
    const notes = this.#holdsLock(lane) ? ["the lock that it held was freed"] : [];
    while (this.#guarded(() => this.#repair.repair(lane)) === false && !this.#stopped) await Bun.sleep(REPAIR_MS);
    this.#control.reuseLane(lane);
    this.#freeLanes.push(lane);
    return notes;
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
        const { code, message } = error as ServerError;
        slot.fail(code);
        logger.error("packet worker {worker} could not be replaced, trying again: {failure}", {
          worker: slot.number,
          failure: message,
        });
        failure = message;
      }
    }
  }

  /** Starts a worker and waits until it listens. */
  async #open({ number, engine, given }: WorkerSlot): Promise<PacketWorker> {
    checkDescriptors();
    const lane = this.#freeLanes[0];
    if (lane === undefined) throw new ServerError("threads that have not ended yet use all lanes");
    const start = { ...this.#start, lane, engine, given };
    const worker = new PacketWorker(number, start, this.#ticks, this.#reports, this.#warn);
    this.#counters.assign(worker);
    this.#freeLanes.shift();
    this.#workers.add(worker);
    try {
      await worker.listening;
      return worker;
    } catch (error) {
      await this.#remove(worker, END_MS);
      throw error;
    }
  }

  #holdsLock(lane: number): boolean {
    return this.#guarded(() => this.#repair.holdsLock(lane)) === true;
  }

  /** Runs `work`, which accesses the registry. If it throws, the registry is damaged and no worker can use it either. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#giveUpDamaged((error as Error).message);
      return undefined;
    }
  }

  #giveUpDamaged(how: string): void {
    this.damaged = true;
    this.#giveUp(`the registry is damaged: ${how}; start the server again`);
  }

  /** Fatal: the owner must stop the server. */
  #giveUp(why: string): void {
    this.#over = true;
    this.#closing.reject(new ServerError(why));
  }
}

/** Terminates a worker. Takes its socket away if its thread does not end within `ms`. */
async function endOrCutOff(worker: PacketWorker, ms: number): Promise<void> {
  if (!(await worker.end(ms))) new EndingWorker(worker).cutOff();
}
