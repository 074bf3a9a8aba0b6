/** The packet engine as its users see it, and its two makers. */
import { readFileSync } from "node:fs";
import { H_LANES, H_MAGIC, H_VERSION, LAYOUT_MAGIC, LAYOUT_VERSION } from "../../assembly/layout.ts";
import wasmPath from "../../build/engine.wasm" with { type: "file" };
import { process } from "./engine.ts";
import { collect, merge, moveCursor } from "./exchange.ts";
import { attachLane } from "./lock.ts";
import { sweep } from "./registry.ts";
import { EngineState } from "./state.ts";

/** Which of the twins an engine is. */
export type EngineBackend = "wasm" | "ts";

/** Works on the memory it was made on; several engines, of either kind, may share one. */
export interface PacketEngine {
  readonly backend: EngineBackend;
  /**
   * Judges the datagrams in the first `count` slots of `lane`, in place.
   * @param lane which slots: 0 to `lanes` - 1; no two threads may use one lane at a time.
   * @param count 0 to 64.
   * @param nowMs the time, in whole milliseconds since 1970.
   * @returns how many of the slots hold a reply.
   */
  process(lane: number, count: number, nowMs: number): number;
  /** Lets go of entries whose time is over, at most 64 of each shard. Returns how many. */
  sweep(nowMs: number): number;
  /**
   * Lists entries of `shard` into the exchange area, 32 at most, those announced first first: what was announced here
   * since the last listing or, with `walk`, all that was announced before `untilMs`, each once. The exchange area is
   * for one thread.
   * @returns how many, with LIST_MORE when there are more; or LIST_BUSY.
   */
  collect(shard: number, walk: boolean, untilMs: number): number;
  /** Sets how far `shard` was listed, by a SET code (assembly/layout.ts). False while it is locked for long. */
  moveCursor(shard: number, what: number): boolean;
  /**
   * Merges the entries of the exchange area from place `first` on.
   * @returns `count`, or the place of an entry that has to wait: its shard is locked for long.
   */
  merge(first: number, count: number, nowMs: number): number;
}

/** What engine.wasm exports; u32 come and go as signed integers. */
interface EngineExports {
  attach(lane: number): void;
  process(lane: number, count: number, nowMs: number): number;
  sweep(nowMs: number): number;
  collect(shard: number, walk: number, untilMs: number): number;
  moveCursor(shard: number, what: number): number;
  merge(first: number, count: number, nowMs: number): number;
}

let compiled: WebAssembly.Module | undefined;

/**
 * @param memory made by `createEngineMemory`, here or in another thread.
 * @param lane by which the engine signs its locks: each thread has its own.
 * @throws {TypeError} if `memory` is not an engine's, or {RangeError} if it has no such lane.
 */
export function createWasmEngine(memory: WebAssembly.Memory, lane = 0): PacketEngine {
  checkMemory(memory, lane);
  compiled ??= new WebAssembly.Module(readFileSync(wasmPath));
  const engine = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as EngineExports;
  engine.attach(lane);
  return {
    backend: "wasm",
    process: engine.process,
    sweep: engine.sweep,
    collect: (shard, walk, untilMs) => engine.collect(shard, walk ? 1 : 0, untilMs),
    moveCursor: (shard, what) => engine.moveCursor(shard, what) !== 0,
    merge: engine.merge,
  };
}

/** The TypeScript twin: parameters and errors as with {@link createWasmEngine}. */
export function createTsEngine(memory: WebAssembly.Memory, lane = 0): PacketEngine {
  checkMemory(memory, lane);
  const m = new EngineState(memory.buffer);
  attachLane(m, lane);
  return {
    backend: "ts",
    process: (lane, count, nowMs) => process(m, lane, count, nowMs),
    sweep: (nowMs) => sweep(m, nowMs),
    collect: (shard, walk, untilMs) => collect(m, shard, walk, untilMs),
    moveCursor: (shard, what) => moveCursor(m, shard, what),
    merge: (first, count, nowMs) => merge(m, first, count, nowMs),
  };
}

/** {@link createWasmEngine} or {@link createTsEngine}, by name. */
export function createEngine(backend: EngineBackend, memory: WebAssembly.Memory, lane = 0): PacketEngine {
  return backend === "wasm" ? createWasmEngine(memory, lane) : createTsEngine(memory, lane);
}

function checkMemory(memory: WebAssembly.Memory, lane: number): void {
  const header = new Uint32Array(memory.buffer, 0, 16);
  if (header[H_MAGIC >>> 2] !== LAYOUT_MAGIC || header[H_VERSION >>> 2] !== LAYOUT_VERSION) {
    throw new TypeError("not a packet engine's memory of this version: make it with createEngineMemory");
  }
  const lanes = header[H_LANES >>> 2]!;
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
    throw new RangeError(`lane must be a whole number from 0 to ${lanes - 1}, not ${lane}`);
  }
}
