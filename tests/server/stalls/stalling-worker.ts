/** The server's packet worker, plus a message that makes it stop in the middle of a change of the registry, and then go on. */
import {
  H_LANES_AT,
  H_RETENTION,
  LANE_SIZE,
  RECORD_STEP,
  STEP_ALLOCATE,
  STEP_INSERT,
  STEP_LINKING,
  STEP_REFRESH,
  STEP_RELEASE,
  STEP_REMOVE,
} from "../../../assembly/layout.ts";
import { createEngine, Lane } from "../../../src/engine/index.ts";
import type { ToWorker, WorkerStart } from "../../../src/server/workers/messages.ts";
import "../../../src/server/workers/worker.ts";
import { nodeOf } from "../../support/nodes.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { stoppableModule, stoppableTs } from "../../support/stoppable-engine.ts";

declare const self: Worker;

/** Steps of a change at which a worker holds a lock. */
export const STEPS = {
  refresh: STEP_REFRESH,
  "refresh, linking": STEP_REFRESH | STEP_LINKING,
  allocate: STEP_ALLOCATE,
  insert: STEP_INSERT,
  "insert, linking": STEP_INSERT | STEP_LINKING,
  remove: STEP_REMOVE,
  release: STEP_RELEASE,
} as const;

/** Message to the worker: process announcements up to a step. Then set word 0, and wait until word 1 is set. */
export interface StallCommand {
  readonly type: "stall";
  readonly step: keyof typeof STEPS;
  readonly words: Int32Array;
  /**
   * The wasm engine with a call before each load and store; undefined for a worker with the TypeScript engine. The worker does not make it,
   * because that takes so much processor time that it might count as stuck.
   */
  readonly module: WebAssembly.Module | undefined;
}

/**
 * Message to the worker: process announcements most of the time, so that it holds a lock at most moments, until word 0 is set. Meanwhile
 * it loses packets of clients.
 */
export interface BusyCommand {
  readonly type: "busy";
  readonly words: Int32Array;
}

/** Shorter than the time without a heartbeat after which a worker counts as stuck. */
const BUSY_MS = 20;

let started: WorkerStart | undefined;

function stall({ step, words, module }: StallCommand, { memory, lane: number }: WorkerStart): void {
  const u32 = new Uint32Array(memory.buffer);
  const record = (u32[H_LANES_AT >>> 2]! + number * LANE_SIZE + RECORD_STEP) >>> 2;
  const onStep = () => {
    if (words[0] !== 0 || u32[record] !== STEPS[step]) return;
    Atomics.store(words, 0, 1);
    Atomics.wait(words, 1, 0);
  };
  const engine =
    module === undefined ? stoppableTs(memory, number, onStep) : stoppableModule(module, memory, number, onStep);
  const lane = new Lane(memory, number);
  const retention = new Float64Array(memory.buffer)[H_RETENTION >>> 3]!;
  // A removal needs nodes that have expired: the oldest of the shard, by a clock that is ahead.
  const ahead = step === "remove" || step === "release" ? retention : 0;
  for (let n = 0; words[0] === 0; n++) {
    const { id, port } = step.startsWith("refresh") ? nodeOf(n % 100) : { id: ascii(`STALLED-${n}`), port: 1 };
    fill(lane, id, port);
    engine.process(number, 1, Date.now() + ahead);
  }
}

/** Puts an announcement from 127.0.0.1 into a lane. */
function fill(lane: Lane, id: Uint8Array, port: number): void {
  lane.fill(0, announcement(id, port));
  lane.bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1], lane.addressAt(0));
  lane.setPort(0, 4000);
}

function busy({ words }: BusyCommand, { memory, lane: number, engine: backend }: WorkerStart): void {
  const engine = createEngine(backend, memory, number);
  const lane = new Lane(memory, number);
  let next = 0;
  const timer = setInterval(() => {
    if (Atomics.load(words, 0) !== 0) clearInterval(timer);
    const { id, port } = nodeOf(next++ % 100);
    fill(lane, id, port);
    const end = performance.now() + BUSY_MS;
    while (Atomics.load(words, 0) === 0 && performance.now() < end) {
      for (let n = 0; n < 100; n++) engine.process(number, 1, Date.now());
    }
  }, 1);
}

const handle = self.onmessage!;
self.onmessage = (event: MessageEvent<ToWorker | StallCommand | BusyCommand>) => {
  if (event.data.type === "stall") stall(event.data, started!);
  else if (event.data.type === "busy") busy(event.data, started!);
  else {
    if (event.data.type === "start") started = event.data.start;
    handle.call(self, event);
  }
};
