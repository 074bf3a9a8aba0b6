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
import { Lane } from "../../../src/engine/index.ts";
import type { ToWorker, WorkerStart } from "../../../src/server/workers/messages.ts";
import "../../../src/server/workers/worker.ts";
import { nodeOf } from "../../support/nodes.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { stoppableTs } from "../../support/stoppable-engine.ts";

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
}

let started: WorkerStart | undefined;

async function stall(command: StallCommand, start: WorkerStart): Promise<void> {
  const { step, words } = command;
  const { memory, lane: number, engine: backend } = start;

  const u32 = new Uint32Array(memory.buffer);
  const record = (u32[H_LANES_AT >>> 2]! + number * LANE_SIZE + RECORD_STEP) >>> 2;
  // Imported late: the module waits at its top level, and this one must be ready for the first message.
  const make = backend === "wasm" ? (await import("../../engine/stoppable-wasm.ts")).stoppableWasm : stoppableTs;
  const engine = make(memory, number, () => {
    if (words[0] !== 0 || u32[record] !== STEPS[step]) return;
    Atomics.store(words, 0, 1);
    Atomics.wait(words, 1, 0);
  });
  const lane = new Lane(memory, number);
  const retention = new Float64Array(memory.buffer)[H_RETENTION >>> 3]!;
  // A removal needs nodes that have expired: the oldest of the shard, by a clock that is ahead.
  const ahead = step === "remove" || step === "release" ? retention : 0;
  for (let n = 0; words[0] === 0; n++) {
    const { id, port } = step.startsWith("refresh") ? nodeOf(n % 100) : { id: ascii(`STALLED-${n}`), port: 1 };
    lane.fill(0, announcement(id, port));
    lane.bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1], lane.addressAt(0));
    lane.setPort(0, 4000);
    engine.process(number, 1, Date.now() + ahead);
  }
}

const handle = self.onmessage!;
self.onmessage = (event: MessageEvent<ToWorker | StallCommand>) => {
  if (event.data.type === "stall") void stall(event.data, started!);
  else {
    if (event.data.type === "start") started = event.data.start;
    handle.call(self, event);
  }
};
