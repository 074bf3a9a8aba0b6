/** A thread that announces and asks for the same few nodes as others do, on a memory it shares with them. */
import { createEngine, type EngineBackend, Lane } from "../../src/engine/index.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

export interface Collision {
  memory: WebAssembly.Memory;
  lane: number;
  backend: EngineBackend;
  seconds: number;
}

export interface CollisionResult {
  processed: number;
  answered: number;
  /** Replies whose port and IP do not belong together. */
  mixed: number;
}

declare const self: Worker;

/** The port that a source announces: so a reply shows whether its port and its IP are of one announcement. */
function portOf(last: number): number {
  return 1000 + last * 7;
}

function run({ memory, lane: number, backend, seconds }: Collision): CollisionResult {
  const random = new Random(number);
  const engine = createEngine(backend, memory, number);
  const lane = new Lane(memory, number);
  const result: CollisionResult = { processed: 0, answered: 0, mixed: 0 };
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (let slot = 0; slot < Lane.BATCH; slot++) {
      const id = ascii(`NODE-${random.below(12)}`);
      const last = random.below(250);
      lane.fill(slot, random.once(2) ? query(id) : announcement(id, portOf(last)));
      const at = lane.addressAt(slot);
      lane.bytes.fill(0, at, at + 10);
      lane.bytes.set([255, 255, 10, last, last, last], at + 10);
      lane.setPort(slot, 1);
    }
    // A retention of 5 ms: entries come and go all the time.
    engine.process(number, Lane.BATCH, Date.now());
    result.processed += Lane.BATCH;
    for (let slot = 0; slot < Lane.BATCH; slot++) {
      const reply = lane.reply(slot);
      if (reply === undefined) continue;
      result.answered++;
      const port = (reply[4]! << 8) | reply[5]!;
      const ip = reply.subarray(reply.length - 4);
      if (port !== portOf(ip[3]!) || ip[1] !== ip[3] || ip[2] !== ip[3]) result.mixed++;
    }
  }
  return result;
}

self.onmessage = ({ data }: MessageEvent<Collision>) => self.postMessage(run(data));
