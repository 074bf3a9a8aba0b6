/**
 * Packet engines that can be stopped before any of their steps, as if their worker died.
 */
import { process } from "../../src/engine/engine.ts";
import { merge } from "../../src/engine/exchange.ts";
import type { EngineMemory, PacketEngine } from "../../src/engine/index.ts";
import { attachLane } from "../../src/engine/lock.ts";
import { sweep } from "../../src/engine/registry.ts";
import { EngineState } from "../../src/engine/state.ts";

/** Thrown to stop an engine. */
class Stop extends Error {}

export type Stoppable = Pick<PacketEngine, "process" | "sweep" | "merge">;
/** Creates an engine for a lane that calls `step` at least before each store. */
export type StoppableMaker = (memory: EngineMemory, lane: number, step: () => void) => Stoppable;

export class StoppableEngine {
  /** Steps since `run` was called. */
  steps = 0;
  #stop: () => boolean = () => false;
  readonly #engine: Stoppable;

  constructor(make: StoppableMaker, memory: EngineMemory, lane: number) {
    this.#engine = make(memory, lane, () => {
      if (this.#stop()) throw new Stop();
      this.steps++;
    });
  }

  /** Runs `work` until `stop` returns true before a step. Returns whether `work` ran to its end. */
  run(work: (engine: Stoppable) => void, stop: () => boolean = () => false): boolean {
    this.steps = 0;
    this.#stop = stop;
    try {
      work(this.#engine);
      return true;
    } catch (error) {
      if (error instanceof Stop) return false;
      throw error;
    }
  }
}

/** The TypeScript twin, on arrays that call `step` before each store. */
export function stoppableTs(memory: EngineMemory, lane: number, step: () => void): Stoppable {
  const m = new EngineState(memory.buffer);
  attachLane(m, lane);
  Object.assign(m, { u8: tap(m.u8, step), u32: tap(m.u32, step), i32: tap(m.i32, step), f64: tap(m.f64, step) });
  return {
    process: (lane, count, now) => withTaps(() => process(m, lane, count, now)),
    sweep: (now) => withTaps(() => sweep(m, now)),
    merge: (first, count, now) => withTaps(() => merge(m, first, count, now)),
  };
}

/** The wasm engine, from a module that has a call before each load and store (tests/engine/stoppable-wasm.ts). */
export function stoppableModule(
  module: WebAssembly.Module,
  memory: EngineMemory,
  lane: number,
  step: () => void,
): Stoppable {
  const address = (_id: number, _bytes: number, _offset: number, at: number) => {
    step();
    return at;
  };
  const imports: Bun.WebAssembly.ModuleImports = { memory: memory as WebAssembly.Memory };
  for (const { name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === "function") imports[name] = name.endsWith("_ptr") ? address : (_id: number, value: unknown) => value;
  }
  const engine = new WebAssembly.Instance(module, { env: imports }).exports as unknown as Stoppable & {
    attach(lane: number): void;
  };
  engine.attach(lane);
  return engine;
}

type Words = Uint8Array | Uint32Array | Int32Array | Float64Array;

/** For each proxy made by `tap`: its array, and the function to call before each store. */
const tapped = new WeakMap<object, { array: Words; step: () => void }>();

/** Returns a proxy of an array that calls `step` before each store. */
function tap<T extends Words>(array: T, step: () => void): T {
  const proxy = new Proxy(array, {
    get: (_, key) => array[key as unknown as number],
    set(_, key, value) {
      step();
      array[key as unknown as number] = value;
      return true;
    },
  });
  tapped.set(proxy, { array, step });
  return proxy;
}

const ATOMICS = ["load", "store", "add", "compareExchange", "wait"] as const;

/** Replaces Atomics while `work` runs: Atomics do not accept proxies. Loads and waits are not steps. */
function withTaps<T>(work: () => T): T {
  const originals = ATOMICS.map((name) => [name, Atomics[name]] as const);
  for (const [name, original] of originals) {
    const call = original as (array: Words, ...rest: number[]) => number;
    Object.assign(Atomics, {
      [name]: (given: Words, ...rest: number[]) => {
        const tap = tapped.get(given);
        if (tap !== undefined && name !== "load" && name !== "wait") tap.step();
        return call(tap?.array ?? given, ...rest);
      },
    });
  }
  try {
    return work();
  } finally {
    Object.assign(Atomics, Object.fromEntries(originals));
  }
}
