/** Stops the engines at every step of their work, then has the control thread repair what they left behind. */
import { describe, expect, test } from "bun:test";
import {
  CURSOR_CONFIRM_ALL,
  CURSOR_RESET,
  CURSOR_RESTART_WALK,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_TIME,
  H_ENTRIES_AT,
  H_EXCHANGE_AT,
  H_INDEX_SLOTS,
  H_LANES_AT,
  H_POOL_LOCK,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STRIDE,
  KEY_SIZE,
  LIST_BUSY,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  META_LENGTH,
  RECORD_STEP,
  SHARD_HEAD,
  SHARD_LISTED,
  SHARD_LOCK,
  SHARD_SAVED,
  SHARD_SEQUENCE,
  SHARD_SIZE,
  STEP_ALLOCATE,
  STEP_INSERT,
  STEP_LINKING,
  STEP_NONE,
  STEP_REFRESH,
  STEP_RELEASE,
  STEP_REMOVE,
  TIME_STEP,
} from "../../assembly/layout.ts";
import {
  createEngineMemory,
  createTsEngine,
  defaultEngineOptions,
  EngineControl,
  type EngineMemory,
  EngineRepair,
  Lane,
  type PacketEngine,
} from "../../src/engine/index.ts";
import { Harness, UNLIMITED } from "../support/harness.ts";
import { checkInvariants } from "../support/invariants.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { type Stoppable, StoppableEngine, type StoppableMaker, stoppableTs } from "../support/stoppable-engine.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { stoppableWasm } from "./stoppable-wasm.ts";

const CAPACITY = 24;
const NODES = 32;
const RETENTION = 10_000;
/** Hardly more than CAPACITY, so the index is almost full: removals move other entries, also across its end. */
const SLOTS = 26;
const WORKER = 0;
const CONTROL = 1;
/** All values of RECORD_STEP at which a repair may be needed. */
const STEPS = [
  STEP_NONE,
  STEP_REFRESH,
  STEP_REFRESH | STEP_LINKING,
  STEP_ALLOCATE,
  STEP_INSERT,
  STEP_INSERT | STEP_LINKING,
  STEP_REMOVE,
  STEP_RELEASE,
];

interface Node {
  /** IP, port, and whether the entry is authenticated. */
  where: string;
  time: number;
  fromJournal: boolean;
  confirmed: boolean;
}

/** Flags of entries that need not be listed for the journal. */
const NOT_LISTED = META_FROM_JOURNAL | META_AUTHENTICATED;

interface Announced {
  id: Uint8Array;
  ip: Uint8Array;
  port: number;
  time: number;
}

/** A call of the engine. */
interface Work {
  /** The NodeID that it announces, in hex. */
  node?: string;
  /** Number of entries that it merges. */
  merged?: number;
  /** Writes the packet or the entries into the memory. */
  prepare: () => void;
  run: (engine: Stoppable) => void;
}

/** A registry with a worker that can be stopped, a journal, and a clock. */
class World {
  readonly memory: EngineMemory;
  readonly engine: StoppableEngine;
  readonly repair: EngineRepair;
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #lane: Lane;
  readonly #random: Random;
  readonly #journal: PacketEngine;
  /** Contents of all entries that the journal has ever received. */
  readonly #received = new Set<string>();
  now = 1_400_000_000_000;

  constructor(make: StoppableMaker, shards: number, random: Random) {
    this.memory = createEngineMemory({
      ...defaultEngineOptions(),
      ...UNLIMITED,
      lanes: 2,
      capacity: CAPACITY,
      maxIdLength: 12,
      retentionMs: RETENTION,
      limiterSets: 1,
      shards,
    });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
    this.u32[H_INDEX_SLOTS >>> 2] = SLOTS;
    this.engine = new StoppableEngine(make, this.memory, WORKER);
    this.repair = new EngineRepair(this.memory, CONTROL);
    this.#lane = new Lane(this.memory, WORKER);
    this.#random = random;
    this.#journal = createTsEngine(this.memory, CONTROL);
  }

  word(at: number): number {
    return this.u32[at >>> 2]!;
  }

  get step(): number {
    return this.word(this.word(H_LANES_AT) + RECORD_STEP);
  }

  /** All queued nodes, by NodeID. */
  nodes(): Map<string, Node> {
    const nodes = new Map<string, Node>();
    for (let shard = 0; shard <= this.word(H_SHARD_MASK); shard++) {
      for (const at of this.#queue(shard)) {
        const meta = this.word(at + ENTRY_META);
        const id = this.bytes.subarray(at + ENTRY_ID, at + ENTRY_ID + (meta & META_LENGTH)).toHex();
        const ip = this.bytes.subarray(at + ENTRY_ADDRESS, at + ENTRY_ADDRESS + 16).toHex();
        nodes.set(id, {
          where: `${ip} ${meta >>> 16} ${(meta & META_AUTHENTICATED) !== 0}`,
          time: this.#f64[(at + ENTRY_TIME) >>> 3]!,
          fromJournal: (meta & META_FROM_JOURNAL) !== 0,
          confirmed: (meta & META_CONFIRMED) !== 0,
        });
      }
    }
    return nodes;
  }

  /** Acts as the journal: lists some entries and moves the cursors. */
  journal(): void {
    const random = this.#random;
    const shard = random.below(this.word(H_SHARD_MASK) + 1);
    const walk = random.once(3);
    const listed = this.#journal.collect(shard, walk, this.now - random.below(RETENTION));
    for (let i = 0; i < (listed & 0xffff) && !walk; i++) {
      this.#received.add(this.#state(this.word(H_EXCHANGE_AT) + i * this.word(H_STRIDE)));
    }
    const what = random.below(3 * CURSOR_RESTART_WALK);
    // confirm-all implies that the journal has all entries.
    if (what === CURSOR_CONFIRM_ALL) for (const at of this.#queue(shard)) this.#received.add(this.#state(at));
    if (what <= CURSOR_RESTART_WALK) this.#journal.moveCursor(shard, what);
  }

  /** Throws if a cursor has passed an announcement that the journal has not received. */
  checkNothingSkipped(): void {
    for (let shard = 0; shard <= this.word(H_SHARD_MASK); shard++) {
      const from = this.word(H_SHARDS_AT) + shard * SHARD_SIZE;
      for (const cursor of [SHARD_SAVED, SHARD_LISTED]) {
        let entry = this.word(from + cursor) === 0 ? 0 : this.word(from + SHARD_HEAD);
        while (entry !== 0) {
          const at = this.word(H_ENTRIES_AT) + entry * this.word(H_STRIDE);
          const known = this.#received.has(this.#state(at)) || (this.word(at + ENTRY_META) & NOT_LISTED) !== 0;
          if (!known)
            throw new Error(`a cursor has passed entry ${entry} of shard ${shard}, which the journal has not received`);
          entry = entry === this.word(from + cursor) ? 0 : this.word(at + ENTRY_NEXT);
        }
      }
    }
  }

  /** Contents of the entry at `at`, from its time on. */
  #state(at: number): string {
    return this.bytes.subarray(at + ENTRY_TIME, at + this.word(H_STRIDE)).toHex();
  }

  /** Addresses of the entries of a shard, in queue order. */
  #queue(shard: number): number[] {
    const all: number[] = [];
    let entry = this.word(this.word(H_SHARDS_AT) + shard * SHARD_SIZE + SHARD_HEAD);
    while (entry !== 0) {
      all.push(this.word(H_ENTRIES_AT) + entry * this.word(H_STRIDE));
      entry = this.word(all.at(-1)! + ENTRY_NEXT);
    }
    return all;
  }

  /** Returns random work. Its time is usually later than that of the work before, and sometimes earlier, as another thread reads the clock. */
  work(): Work {
    const random = this.#random;
    const kind = random.below(24);
    if (kind === 0) this.now -= random.below(RETENTION);
    else this.now += random.once(8) ? random.below(RETENTION) : random.below(400);
    if (kind === 1) {
      const now = this.now;
      return { prepare() {}, run: (engine) => engine.sweep(now) };
    }
    if (kind < 5) {
      const now = this.now;
      const authenticated = random.once(2);
      // An authenticated announcement of the queue's last node may move it towards the head.
      const first = this.#entry(authenticated ? this.#lastId() : undefined);
      const entries = random.once(2) ? [first] : [first, this.#entry()];
      return {
        merged: entries.length,
        prepare: () => entries.forEach((entry, i) => void this.#put(i, entry, authenticated)),
        run: (engine) => engine.merge(0, entries.length, now),
      };
    }
    const { id, ip, port } = this.#entry(kind === 5 ? this.#expireAll() : undefined);
    const now = this.now;
    return {
      node: id.toHex(),
      prepare: () => {
        this.#lane.fill(0, announcement(id, port));
        this.bytes.set(ip, this.#lane.addressAt(0));
        this.#lane.setPort(0, 4000);
      },
      run: (engine) => engine.process(WORKER, 1, now),
    };
  }

  /**
   * Lets all nodes expire. Returns the NodeID of the last entry in the queue: an announcement of it removes that entry,
   * while there are others before it.
   */
  #expireAll(): Uint8Array | undefined {
    this.now += RETENTION;
    return this.#lastId();
  }

  /** The NodeID of the last entry in the queue. */
  #lastId(): Uint8Array | undefined {
    const at = this.#queue(0).at(-1);
    return at === undefined
      ? at
      : this.bytes.slice(at + ENTRY_ID, at + ENTRY_ID + (this.word(at + ENTRY_META) & META_LENGTH));
  }

  #entry(id?: Uint8Array): Announced {
    const random = this.#random;
    id ??= ascii(`NODE-${random.below(NODES)}${"-".repeat(random.below(4))}`);
    const time = this.now - random.below(RETENTION);
    // Half of the announcements repeat an earlier one of the node, so that it is confirmed.
    if (random.once(2)) return { id, ip: new Uint8Array(16).fill(7), port: 7, time };
    return { id, ip: random.bytes(16), port: 1 + random.below(65_535), time };
  }

  #put(slot: number, { id, ip, port, time }: Announced, authenticated: boolean): void {
    const at = this.word(H_EXCHANGE_AT) + slot * this.word(H_STRIDE);
    this.bytes.fill(0, at, at + this.word(H_STRIDE));
    this.#f64[(at + ENTRY_TIME) >>> 3] = time;
    this.u32[(at + ENTRY_META) >>> 2] = (port << 16) | (authenticated ? META_AUTHENTICATED : 0) | id.length;
    this.bytes.set(ip, at + ENTRY_ADDRESS);
    this.bytes.set(id, at + ENTRY_ID);
  }
}

/**
 * Throws unless each node is as before the change or as after it. Its port and IP must be from the same announcement.
 * No live node may be lost. Of two merged nodes, the second may have taken the place of the first.
 */
function checkOldOrNew(
  was: Map<string, Node>,
  is: Map<string, Node>,
  done: Map<string, Node>,
  world: World,
  work: Work,
): void {
  for (const id of new Set([...was.keys(), ...is.keys(), ...done.keys()])) {
    const [before, node, after] = [was.get(id), is.get(id), done.get(id)];
    if (node === undefined) {
      if (before && after && world.now - Math.floor(before.time) < RETENTION) throw new Error(`${id} was lost`);
      continue;
    }
    if (!after && work.merged === 2) continue;
    if (before?.confirmed && after?.confirmed && !node.confirmed) throw new Error(`${id} is no longer confirmed`);
    const addressKnown = [before, after].some((one) => one?.where === node.where);
    const timeKnown = [before, after].some((one) => one?.time === node.time);
    if (!addressKnown || !timeKnown)
      throw new Error(
        `${id} is ${Bun.inspect([before, node, after])}: before the change, after the repair, after the complete change`,
      );
  }
}

function checkCounters(memory: EngineMemory): void {
  const { received, verdicts } = new EngineControl(memory).counters();
  const sum = Object.values(verdicts).reduce((a, b) => a + b);
  if (received !== sum) throw new Error(`${received} received, ${sum} verdicts`);
}

/**
 * In each round, makes a call of the engine, then repeats it once for each of its steps that finds the memory changed: stopped at that
 * step and repaired. Returns the number of stops at each RECORD_STEP.
 */
function stopEverywhere(world: World, rounds: number): Map<number, number> {
  const { bytes, engine, repair, memory } = world;
  // Copied into again and again: new images for each stop would take most of the time of the test.
  const [start, last, end] = [Buffer.from(bytes), Buffer.from(bytes), Buffer.from(bytes)];
  const stops = new Map<number, number>();
  for (let round = 0; round < rounds; round++) {
    world.journal();
    const work = world.work();
    work.prepare();
    start.set(bytes);
    const was = world.nodes();
    /** The steps before which the memory is not as it was before an earlier one. Most others only load. */
    const changed: number[] = [];
    engine.run(work.run, () => {
      if (changed.length === 0 || Buffer.compare(bytes, last) !== 0) {
        changed.push(engine.steps);
        last.set(bytes);
      }
      return false;
    });
    const { steps } = engine;
    end.set(bytes);
    const done = world.nodes();
    for (const stop of changed) {
      bytes.set(start);
      if (engine.run(work.run, () => engine.steps === stop))
        throw new Error(`the work ended at step ${stop} of ${steps}`);
      stops.set(world.step, (stops.get(world.step) ?? 0) + 1);
      try {
        if (!repair.repair(WORKER)) throw new Error("another worker holds the pool");
        checkInvariants(bytes);
        checkOldOrNew(was, world.nodes(), done, world, work);
        world.checkNothingSkipped();
        checkCounters(memory);
        // The next worker must be able to do the same work.
        work.prepare();
        engine.run(work.run);
        checkInvariants(bytes);
        world.checkNothingSkipped();
        const wanted = work.node && done.get(work.node);
        if (wanted) checkDone(world.nodes().get(work.node!)!, wanted);
      } catch (cause) {
        throw new Error(`round ${round}, stopped after ${stop} of ${steps} steps: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    bytes.set(end);
  }
  return stops;
}

/** Throws unless a node is as the work makes it. If the stop came after the change, it was announced twice in one millisecond, which confirms it. */
function checkDone(node: Node, wanted: Node): void {
  const { time, confirmed } = wanted;
  const same = Bun.deepEquals({ ...node, time, confirmed }, wanted);
  if (same && [time, time + TIME_STEP].includes(node.time) && (node.confirmed || !confirmed)) return;
  throw new Error(`after the work was repeated, the node is ${Bun.inspect(node)}, not ${Bun.inspect(wanted)}`);
}

describe.each([
  ["wasm", stoppableWasm],
  ["ts", stoppableTs],
] as const)("the %s engine, stopped at any step", (_, make) => {
  test.each([1, 2])(
    "can be repaired: no node is lost or half changed, and a registry of %d shards is consistent",
    (shards) => {
      const stops = stopEverywhere(new World(make, shards, new Random(shards)), 100);
      for (const step of STEPS) expect(stops.get(step), `stops at step ${step}`).toBeGreaterThan(20);
      expect([...stops.keys()].sort()).toEqual([...STEPS].sort());
    },
    TEST_LIMIT_MS,
  );
});

/** A world whose worker was stopped when RECORD_STEP was `step`. */
function worldStoppedAt(step: number): World {
  const world = new World(stoppableWasm, 1, new Random(step));
  for (;;) {
    const work = world.work();
    work.prepare();
    if (!world.engine.run(work.run, () => world.step === step)) return world;
  }
}

describe.each(["wasm", "ts"] as const)("the control thread's %s engine", (backend) => {
  test("does not wait for a lock that stays held, and completes its work when it is called again", () => {
    // With this key both shards get some of the nodes.
    const key = new Uint8Array(KEY_SIZE).map((_, i) => i * 7);
    const h = new Harness(backend, { ...UNLIMITED, shards: 2, retentionMs: RETENTION, key });
    const node = (n: number) => ascii(`NODE-${n}`);
    const locks = [h.u32[H_SHARDS_AT >>> 2]!, h.u32[H_SHARDS_AT >>> 2]! + SHARD_SIZE, H_POOL_LOCK];
    const merge = () => {
      for (let n = 0; n < 8; n++) {
        h.put(n, { nodeId: node(100 + n), address: "203.0.113.9", port: 1, time: h.now - 1 });
      }
      return h.engine.merge(0, 8, h.now);
    };
    const list = () => [0, 1].map((shard) => h.engine.collect(shard, false, 0));
    const resetCursors = () => [0, 1].map((shard) => h.engine.moveCursor(shard, CURSOR_RESET));
    for (const lock of locks) {
      h.now += 10 * RETENTION;
      for (let n = 0; n < 20; n++) h.send(announcement(node(n), 1));
      h.u32[lock >>> 2] = 99;
      expect(merge()).toBeLessThan(8);
      // Listing and moving cursors do not use the pool, so its lock does not stop them.
      expect(list().map((listed) => listed === LIST_BUSY)).toEqual([0, 1].map((shard) => locks[shard] === lock));
      expect(resetCursors().map((done) => !done)).toEqual([0, 1].map((shard) => locks[shard] === lock));
      h.u32[lock >>> 2] = 0;
      expect(merge()).toBe(8);
      const listed = list();
      expect(listed.every((count) => count > 0 && count < LIST_BUSY)).toBe(true);
      expect(listed.reduce((a, b) => a + b)).toBe(20);
      for (let n = 0; n < 8; n++) expect(h.send(query(node(100 + n))).verdict).toBe("answered");
      h.now += RETENTION;
      h.u32[lock >>> 2] = 99;
      h.engine.sweep(h.now);
      expect(h.control.nodes).toBeGreaterThan(0);
      h.u32[lock >>> 2] = 0;
      h.engine.sweep(h.now);
      expect(h.control.nodes).toBe(0);
      checkInvariants(h.bytes);
    }
  });
});

describe("a repair", () => {
  const shard = (world: World) => world.word(H_SHARDS_AT);

  test("has to be called again while another worker holds the pool, and then completes", () => {
    const world = worldStoppedAt(STEP_INSERT | STEP_LINKING);
    expect(world.repair.holdsLock(WORKER)).toBe(true);
    world.u32[H_POOL_LOCK >>> 2] = 99;
    expect(world.repair.repair(WORKER)).toBe(false);
    expect(world.repair.holdsLock(WORKER)).toBe(true);
    world.u32[H_POOL_LOCK >>> 2] = 0;
    expect(world.repair.repair(WORKER)).toBe(true);
    expect(world.repair.holdsLock(WORKER)).toBe(false);
    checkInvariants(world.bytes);
  });

  test("does not touch the locks of other workers or the shards that they hold", () => {
    const world = worldStoppedAt(STEP_REFRESH | STEP_LINKING);
    world.u32[(shard(world) + SHARD_LOCK) >>> 2] = 99;
    world.u32[H_POOL_LOCK >>> 2] = 98;
    const sequence = world.word(shard(world) + SHARD_SEQUENCE);
    expect(world.repair.repair(WORKER)).toBe(true);
    expect(world.word(shard(world) + SHARD_LOCK)).toBe(99);
    expect(world.word(H_POOL_LOCK)).toBe(98);
    expect(world.word(shard(world) + SHARD_SEQUENCE)).toBe(sequence);
  });

  test("changes nothing when there is nothing to repair, so it may run twice", () => {
    const world = worldStoppedAt(STEP_REMOVE);
    world.repair.repair(WORKER);
    const image = Buffer.from(world.bytes);
    expect(world.repair.repair(WORKER)).toBe(true);
    expect(Buffer.compare(image, world.bytes)).toBe(0);
  });

  test("also works for the control thread's own lane, in case its own engine failed", () => {
    const world = worldStoppedAt(STEP_RELEASE);
    const repair = new EngineRepair(world.memory, WORKER);
    expect(repair.repair(WORKER)).toBe(true);
    checkInvariants(world.bytes);
  });
});
