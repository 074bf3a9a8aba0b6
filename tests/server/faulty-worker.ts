/** A packet worker as the server has it, that can be told what to come to. */
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

/** Where in a change it stops: in none, with a shard's lock in hand, or with that and the pool's. */
const PLACES = {
  nowhere: undefined,
  "a refresh": STEP_REFRESH | STEP_LINKING,
  "an insertion": STEP_INSERT | STEP_LINKING,
  "the pool": STEP_ALLOCATE,
} as const;

export interface Harm {
  readonly type: "harm";
  readonly place: keyof typeof PLACES;
  /** What it does there: sleeps for ever, turns in wasm, where nobody can end it, or throws. */
  readonly end: "sleeps" | "turns" | "throws";
  /** Who turns does so until this shared memory begins with something else than 0. */
  readonly wake: WebAssembly.Memory;
}

/**
 * (module
 *   (import "env" "memory" (memory 1 1 shared))
 *   (func (export "turn") (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))))
 */
const TURN = Uint8Array.fromHex(
  "0061736d01000000010401600000021001" +
    "03656e76066d656d6f7279020301010302010007080104" +
    "7475726e00000a10010e0003404100fe10020045" +
    "0d000b0b",
);

let started: WorkerStart | undefined;

/** Announces nodes, and stops in the midst of that: as if the worker itself had, on a packet it was sent. */
function stopIn(place: keyof typeof PLACES, { memory, lane: number }: WorkerStart): void {
  const u32 = new Uint32Array(memory.buffer);
  const record = (u32[H_LANES_AT >>> 2]! + number * LANE_SIZE + RECORD_STEP) >>> 2;
  const engine = new StoppableEngine(stoppableTs, memory, number);
  const lane = new Lane(memory, number);
  for (let n = 0; ; n++) {
    const { id, port } = place === "a refresh" ? nodeOf(n % 100) : { id: ascii(`STRUCK-${number}-${n}`), port: 1 };
    lane.fill(0, announcement(id, port));
    lane.bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1], lane.addressAt(0));
    lane.setPort(0, 4000);
    const ended = engine.run(
      (it) => it.process(number, 1, Date.now()),
      () => u32[record] === PLACES[place],
    );
    if (!ended) return;
  }
}

function comeTo({ place, end, wake }: Harm): void {
  if (place !== "nowhere") stopIn(place, started!);
  if (end === "sleeps") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (end === "turns") {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TURN), { env: { memory: wake } });
    (exports as { turn: () => void }).turn();
  }
  throw new Error("struck");
}

const handle = self.onmessage!;
self.onmessage = (event: MessageEvent<ToWorker | Harm>) => {
  if (event.data.type === "harm") comeTo(event.data);
  else {
    if (event.data.type === "start") started = event.data.start;
    handle.call(self, event);
  }
};
