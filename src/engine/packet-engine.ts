/** The packet engine's interface, and the functions that create one. */
import { readFileSync } from "node:fs";
import { H_LANES, H_MAGIC, H_VERSION, LAYOUT_MAGIC, LAYOUT_VERSION } from "../../assembly/layout.ts";
import wasmPath from "../../build/engine.wasm" with { type: "file" };
import { process } from "./engine.ts";
import { collect, merge, moveCursor } from "./exchange.ts";
import { attachLane } from "./lock.ts";
import type { EngineMemory } from "./memory.ts";
import { sweep } from "./registry.ts";
import { EngineState } from "./state.ts";

/** Which of the twins an engine is: WebAssembly or TypeScript. */
export type EngineBackend = "wasm" | "ts";

/** An engine on the memory that it was created for. Several engines, of either kind, may share one memory. */
export interface PacketEngine {
  readonly backend: EngineBackend;
  /**
   * Processes the datagrams in the first `count` slots of `lane`, in place.
   * @param lane whose slots: 0 to `lanes` - 1. Two threads must never use one lane at the same time.
   * @param count 0 to 64.
   * @param nowMs the time, in whole ms of a clock that never steps and is the same for all threads.
   * @returns how many of the slots contain a reply.
   */
  process(lane: number, count: number, nowMs: number): number;
  /** Evicts expired entries, up to 64 per shard. Returns how many. */
  sweep(nowMs: number): number;
  /**
   * Lists up to 32 entries of `shard` into the exchange area, oldest announcement first. Without `walk`: those
   * announced to this server since the last call. With `walk`: all that were announced before `untilMs`, each once per
   * walk. Authenticated entries are not listed. Only one thread may use the exchange area.
   * @returns how many, plus LIST_MORE if there are more; or LIST_BUSY.
   */
  collect(shard: number, walk: boolean, untilMs: number): number;
  /** Moves the cursors of `shard` as a CURSOR command says (assembly/layout.ts). False if the shard stays locked. */
  moveCursor(shard: number, what: number): boolean;
  /**
   * Merges the entries of the exchange area from position `first` on.
   * @returns `count`, or the position of the first entry that could not be merged yet because its shard stays locked.
   */
  merge(first: number, count: number, nowMs: number): number;
}

/** Exports of engine.wasm. Its u32 values appear as signed integers. */
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
 * @param memory created by `createEngineMemory`, in this or another thread.
 * @param lane written into the locks that the engine holds; each thread needs its own.
 * @throws {TypeError} if `memory` is not an engine's memory of this version.
 * @throws {RangeError} if `memory` has no such lane.
 */
export function createWasmEngine(memory: EngineMemory, lane = 0): PacketEngine {
  checkMemory(memory, lane);
  compiled ??= new WebAssembly.Module(readFileSync(wasmPath));
  const engine = new WebAssembly.Instance(compiled, { env: { memory: memory as WebAssembly.Memory } })
    .exports as unknown as EngineExports;
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

/** The TypeScript twin. Parameters and errors are those of {@link createWasmEngine}. */
export function createTsEngine(memory: EngineMemory, lane = 0): PacketEngine {
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

/** Calls {@link createWasmEngine} or {@link createTsEngine}. */
export function createEngine(backend: EngineBackend, memory: EngineMemory, lane = 0): PacketEngine {
  return backend === "wasm" ? createWasmEngine(memory, lane) : createTsEngine(memory, lane);
}

function checkMemory(memory: EngineMemory, lane: number): void {
  const header = new Uint32Array(memory.buffer, 0, 16);
  if (header[H_MAGIC >>> 2] !== LAYOUT_MAGIC || header[H_VERSION >>> 2] !== LAYOUT_VERSION) {
    throw new TypeError("memory is not a packet engine's memory of this version: create it with createEngineMemory");
  }
  const lanes = header[H_LANES >>> 2]!;
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
    throw new RangeError(`lane must be a whole number from 0 to ${lanes - 1}, not ${lane}`);
  }
}
