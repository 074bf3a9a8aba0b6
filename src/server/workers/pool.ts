/**
 * The packet workers of a server: started, watched, replaced, stopped.
 *
 * A worker that lives moves on a figure in the shared memory, even while it waits for another's lock. One whose figure stands
 * still, or whose thread ended, gives its place to another; what it was at in the registry is repaired, so that those who
 * wait for it go on.
 */
import { setTimeout } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { type EngineControl, type EngineMemory, EngineRepair } from "../../engine/index.ts";
import { cannotListen, ServerError } from "../error.ts";
import { type ServerOptions, workerCount } from "../options.ts";
import type { Listening, WorkerStart } from "./messages.ts";
import { PacketWorker, within } from "./packet-worker.ts";
import { Seat, STILL_S, TICK_MS } from "./slot.ts";

const logger = getLogger(["whereabouts", "server"]);

/** Workers that start at the same time: all of many would keep each other from the processors for too long. */
const WAVE = 16;
/** A tick that comes later than this says nothing of the workers. */
const LATE_MS = 250;
/** How long a thread has to end that was told to. */
const GRACE_MS = 300;
/** The same when the server stops. */
const LAST_GRACE_MS = 200;
/** How long a worker has to stop by itself when the server stops, and how long one is waited for that gives no sign of life. */
const STOP_MS = 500;
const STOP_STILL_MS = 250;
/** Between two tries of a repair that has to wait for another worker. */
const REPAIR_MS = 5;
/** How long a thread that could not be ended may hold a lock: should it wake, it takes and frees some. */
const HOLDING_TICKS = 5;

/** What all workers are started with. */
type Start = Omit<WorkerStart, "lane" | "engine" | "socketRecord">;

/** A worker whose thread could not be ended. */
interface Lost {
  readonly lane: number;
  /** Ticks in a row at which it held a lock. */
  holding: number;
}

export class Workers {
  readonly port: number;
  /** The numeric address that they listen on. */
  readonly address: string;
  /** The least that a worker was granted. */
  readonly receiveBuffer: number | undefined;
  /** Rejects with a {@link ServerError} when the server can go on no longer; resolves when all were stopped. */
  readonly closed: Promise<void>;
  /** Workers that had to be replaced. */
  replaced = 0;
  readonly #start: Start;
  readonly #control: EngineControl;
  readonly #repair: EngineRepair;
  readonly #seats: readonly Seat[];
  /** Those whose thread was not told to end yet: in a seat, or on their way to one. */
  readonly #workers = new Set<PacketWorker>();
  /** Workers whose threads are being ended. */
  readonly #dismissals = new Set<Promise<string[]>>();
  readonly #lost = new Set<Lost>();
  /** Lanes that nobody uses. */
  readonly #lanes: number[];
  readonly #end = Promise.withResolvers<void>();
  readonly #watch: Timer;
  #ticked = performance.now();
  #stopping: Promise<void> | undefined;
  /** Nobody is to be replaced any more. */
  #over = false;

  private constructor(start: Start, control: EngineControl, seats: readonly Seat[], listening: readonly Listening[]) {
    this.#start = start;
    this.#control = control;
    this.#repair = new EngineRepair(start.memory, control.lane);
    this.#seats = seats;
    this.#lanes = Array.from({ length: control.lane - seats.length }, (_, i) => seats.length + i);
    this.port = start.port;
    this.address = start.host;
    const granted = listening.map(({ receiveBuffer }) => receiveBuffer).filter((bytes) => bytes !== undefined);
    this.receiveBuffer = granted.length > 0 ? Math.min(...granted) : undefined;
    this.closed = this.#end.promise;
    // Who does not look at `closed` is not to be ended by it.
    this.closed.catch(() => {});
    for (const seat of seats) this.#seat(seat, seat.worker!);
    this.#watch = setInterval(() => this.#guarded(() => this.#tick()), TICK_MS);
  }

  /** @throws {ServerError} if one of them cannot listen. */
  static async start(memory: EngineMemory, control: EngineControl, options: ServerOptions): Promise<Workers> {
    const { host, port, transport, receiveBuffer } = options;
    const engines = [options.engine].flat();
    const seats = Array.from({ length: workerCount(options) }, (_, i) => new Seat(i + 1, engines[i % engines.length]!));
    const open = (start: Start, lane: number) => {
      const seat = seats[lane]!;
      seat.worker = new PacketWorker({ ...start, lane, engine: seat.engine });
      return seat.worker.listening;
    };
    const start: Start = { memory, transport, host, port, reusePort: "first", receiveBuffer };
    try {
      const first = await open(start, 0);
      // All workers use the address of the first: a name may resolve to another one later.
      const joining: Start = { ...start, host: first.address, port: first.port, reusePort: "join" };
      const listening = [first];
      for (let lane = 1; lane < seats.length; lane += WAVE) {
        const wave = seats.slice(lane, lane + WAVE).map((_, i) => open(joining, lane + i));
        listening.push(...(await Promise.all(wave)));
      }
      return new Workers(joining, control, seats, listening);
    } catch (error) {
      await Promise.all(seats.map(({ worker }) => worker?.end(GRACE_MS)));
      throw cannotListen(host, port, error as ServerError);
    }
  }

  /** Those that listen now. */
  get serving(): number {
    return this.#seats.filter(({ worker }) => worker !== undefined).length;
  }

  /** Stops all of them, and frees the port: within a second, whatever they are at. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#over = true;
    // By both ways: a worker under a flood sees the flag only, an idle one the message only.
    this.#control.stop();
    const workers = [...this.#workers];
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map((worker) => this.#stopped(worker)));
    clearInterval(this.#watch);
    for (const worker of workers) void this.#dismiss(worker, LAST_GRACE_MS);
    // Those included that were on their way out.
    await Promise.all(this.#dismissals);
    this.#end.resolve();
  }

  /** When a worker that was told to stop has, or is not worth waiting for. */
  async #stopped({ lane, stopped }: PacketWorker): Promise<void> {
    let beat = this.#control.heartbeat(lane);
    for (let waited = 0; waited < STOP_MS; waited += STOP_STILL_MS) {
      if (await within(STOP_STILL_MS, stopped)) return;
      const now = this.#control.heartbeat(lane);
      if (now === beat) return;
      beat = now;
    }
  }

  /** Puts in order what the control thread's own engine left behind when it failed. */
  repairControl(): void {
    this.#guarded(() => this.#repair.repair(this.#control.lane));
  }

  /** Has a worker that listens take a seat. */
  #seat(seat: Seat, worker: PacketWorker): void {
    this.#workers.add(worker);
    seat.take(worker);
    void worker.failed.then((error) => this.#replace(seat, worker, error.message));
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#ticked > LATE_MS;
    this.#ticked = now;
    this.#repair.fixSequences();
    // Between two calls of its engine the control thread holds nothing, unless one of them failed.
    if (this.#repair.holdsLock(this.#control.lane)) this.#repair.repair(this.#control.lane);
    for (const seat of this.#seats) {
      const { worker } = seat;
      if (worker === undefined || !seat.isStuck(this.#control.heartbeat(worker.lane), late)) continue;
      worker.revokeSocket();
      void this.#replace(seat, worker, `it gave no sign of life for ${STILL_S} s`);
    }
    for (const lost of this.#lost) {
      lost.holding = this.#repair.holdsLock(lost.lane) ? lost.holding + 1 : 0;
      if (lost.holding >= HOLDING_TICKS) this.#repair.repair(lost.lane);
    }
  }

  async #replace(seat: Seat, worker: PacketWorker, why: string): Promise<void> {
    if (this.#over || seat.worker !== worker) return;
    const from = performance.now();
    seat.fail();
    const dismissed = this.#dismiss(worker, GRACE_MS);
    const filled = await this.#fill(seat, why);
    const ms = Math.round(performance.now() - from);
    const notes = await dismissed;
    if (!filled) return;
    this.replaced++;
    logger.warning("packet worker {worker} was replaced after {ms} ms: {why}", {
      worker: seat.number,
      ms,
      why: [why, ...notes].join("; "),
    });
  }

  /** Ends a worker's thread, within `grace` ms if it can be, and puts in order what it leaves in the memory. What there is to be told of that. */
  async #dismiss(worker: PacketWorker, grace: number): Promise<string[]> {
    if (!this.#workers.delete(worker)) return [];
    const dismissal = this.#remove(worker, grace);
    this.#dismissals.add(dismissal);
    try {
      return await dismissal;
    } finally {
      this.#dismissals.delete(dismissal);
    }
  }

  async #remove(worker: PacketWorker, grace: number): Promise<string[]> {
    const notes: string[] = [];
    const { lane } = worker;
    this.#control.retireLane(lane);
    const ended = await worker.end(grace);
    const held = this.#guarded(() => this.#repair.holdsLock(lane)) === true;
    if (held) notes.push("the lock that it held was freed");
    if (ended) {
      await this.#putInOrder(lane);
    } else {
      notes.push("its thread could not be ended");
      // Others wait for what it holds.
      await this.#repaired(lane);
      const lost = { lane, holding: 0 };
      this.#lost.add(lost);
      void worker.ended.then(() => {
        this.#lost.delete(lost);
        return this.#putInOrder(lane);
      });
    }
    return notes;
  }

  /** Has a lane whose thread has ended ready for the next. */
  async #putInOrder(lane: number): Promise<void> {
    await this.#repaired(lane);
    this.#control.reuseLane(lane);
    this.#lanes.push(lane);
  }

  async #repaired(lane: number): Promise<void> {
    while (this.#guarded(() => this.#repair.repair(lane)) === false) await Bun.sleep(REPAIR_MS);
  }

  /** Has another worker take an empty seat; one that fails is tried again, later each time. False if the server stops. */
  async #fill(seat: Seat, why: string): Promise<boolean> {
    let failure = why;
    for (;;) {
      if (this.#seats.every(({ hopeless }) => hopeless)) this.#giveUp(`the packet workers keep failing: ${failure}`);
      // A server that was stopped in the meantime does not wait for this.
      if (seat.backoff > 0) await setTimeout(seat.backoff, undefined, { ref: false });
      // Many that fail at once have more lanes than there are to spare, until their threads have ended.
      while (this.#lanes.length === 0 && this.#dismissals.size > 0) await Promise.race(this.#dismissals);
      if (this.#over) return false;
      try {
        const worker = await this.#open(seat);
        if (this.#over) return false;
        this.#seat(seat, worker);
        return true;
      } catch (error) {
        seat.fail();
        failure = (error as Error).message;
        logger.error("packet worker {worker} could not be replaced: {failure}", { worker: seat.number, failure });
      }
    }
  }

  /** A worker for the seat, once it listens. */
  async #open({ engine }: Seat): Promise<PacketWorker> {
    const lane = this.#lanes.shift();
    if (lane === undefined) throw new ServerError("threads that could not be ended have all lanes");
    const worker = new PacketWorker({ ...this.#start, lane, engine });
    this.#workers.add(worker);
    try {
      await worker.listening;
      return worker;
    } catch (error) {
      await this.#dismiss(worker, GRACE_MS);
      throw error;
    }
  }

  /** Does something to the registry. When that fails, no worker can do anything with it either. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#giveUp(`the registry is damaged: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The server can go on no longer; its owner is to stop it. */
  #giveUp(why: string): void {
    this.#over = true;
    clearInterval(this.#watch);
    this.#end.reject(new ServerError(why));
  }
}
