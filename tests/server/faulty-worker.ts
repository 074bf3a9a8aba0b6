/** The server's packet worker, plus a message that makes it fail in a chosen way. */
import {
  H_LANES_AT,
  LANE_SIZE,
  RECORD_STEP,
  STEP_ALLOCATE,
  STEP_INSERT,
  STEP_LINKING,
  STEP_REFRESH,
} from "../../assembly/layout.ts";
import { Lane } from "../../src/engine/index.ts";
import type { ToWorker, WorkerStart } from "../../src/server/workers/messages.ts";
import "../../src/server/workers/worker.ts";
import { nodeOf } from "../support/nodes.ts";
import { announcement, ascii } from "../support/packets.ts";
import { StoppableEngine, stoppableTs } from "../support/stoppable-engine.ts";

declare const self: Worker;

/**
 * The step at which the worker fails: `idle` outside any change of the registry, `refresh` and `insert` with a shard's lock
 * held, `allocate` with the lock of the pool of free entries held as well.
 */
const STEPS = {
  idle: undefined,
  refresh: STEP_REFRESH | STEP_LINKING,
  insert: STEP_INSERT | STEP_LINKING,
  allocate: STEP_ALLOCATE,
} as const;

/** Message to the worker: fail now. */
export interface FailCommand {
  readonly type: "fail";
  readonly step: keyof typeof STEPS;
  /** `sleep` and `spin` hang; a thread that spins in wasm cannot be terminated. */
  readonly how: "sleep" | "spin" | "throw";
  /** `spin` ends when the first byte of this shared memory is no longer 0. */
  readonly wake: WebAssembly.Memory;
}

/**
 * (module
 *   (import "env" "memory" (memory 1 1 shared))
 *   (func (export "spin") (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))))
 */
const SPIN = Uint8Array.fromHex(
  "0061736d01000000010401600000021001" +
    "03656e76066d656d6f7279020301010302010007080104" +
    "7370696e00000a10010e0003404100fe10020045" +
    "0d000b0b",
);

let started: WorkerStart | undefined;

/** Processes announcements and stops at the step, as if the worker had stopped there while it handled a packet. */
function stopAt(step: keyof typeof STEPS, { memory, lane: number }: WorkerStart): void {
  const u32 = new Uint32Array(memory.buffer);
  const record = (u32[H_LANES_AT >>> 2]! + number * LANE_SIZE + RECORD_STEP) >>> 2;
  const engine = new StoppableEngine(stoppableTs, memory, number);
  const lane = new Lane(memory, number);
  for (let n = 0; ; n++) {
    const { id, port } = step === "refresh" ? nodeOf(n % 100) : { id: ascii(`FAILING-${number}-${n}`), port: 1 };
    lane.fill(0, announcement(id, port));
    lane.bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1], lane.addressAt(0));
    lane.setPort(0, 4000);
    const ended = engine.run(
      (it) => it.process(number, 1, Date.now()),
      () => u32[record] === STEPS[step],
    );
    if (!ended) return;
  }
}

function fail({ step, how, wake }: FailCommand): void {
  if (step !== "idle") stopAt(step, started!);
  if (how === "sleep") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (how === "spin") {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(SPIN), { env: { memory: wake } });
    (exports as { spin: () => void }).spin();
  }
  throw new Error("failed on command");
}

const handle = self.onmessage!;
self.onmessage = (event: MessageEvent<ToWorker | FailCommand>) => {
  if (event.data.type === "fail") fail(event.data);
  else {
    if (event.data.type === "start") started = event.data.start;
    handle.call(self, event);
  }
};
