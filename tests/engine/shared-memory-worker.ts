/** A worker thread that announces and queries the same few nodes as another thread, on a memory that both share. */
import { createEngine, type EngineBackend, type EngineMemory, Lane } from "../../src/engine/index.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

export interface CollisionStart {
  memory: EngineMemory;
  lane: number;
  backend: EngineBackend;
  /**
   * Shared by all workers: word 0 counts the batches of all of them, word 1 the workers that have reached `batches`.
   */
  progress: Int32Array;
  /** The worker stops when each of `workers` workers has processed this many batches. */
  batches: number;
  workers: number;
}

export interface CollisionResult {
  processed: number;
  answered: number;
  /** Replies that combine the port of one announcement with the IP of another. */
  mixed: number;
}

declare const self: Worker;

const TOTAL_BATCHES = 0;
const FINISHED_WORKERS = 1;
/** The engines' clock advances by 1 ms per 16 batches, so the run does not depend on how fast the machine is. */
const BATCHES_PER_MS = 16;
const START_MS = 1_400_000_000_000;

/** The source address of a packet: ::ffff:10.x.x.x. */
const SOURCE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0);

/** The announced port depends on the source address, so a reply with a foreign port is recognized. */
function portOf(last: number): number {
  return 1000 + last * 7;
}

function run({ memory, lane: number, backend, progress, batches, workers }: CollisionStart): CollisionResult {
  const random = new Random(number);
  const engine = createEngine(backend, memory, number);
  const lane = new Lane(memory, number);
  const result: CollisionResult = { processed: 0, answered: 0, mixed: 0 };
  for (let batch = 0; Atomics.load(progress, FINISHED_WORKERS) < workers; batch++) {
    if (batch === batches) Atomics.add(progress, FINISHED_WORKERS, 1);
    for (let slot = 0; slot < Lane.BATCH; slot++) {
      const id = ascii(`NODE-${random.below(12)}`);
      const last = random.below(250);
      lane.fill(slot, random.once(2) ? query(id) : announcement(id, portOf(last)));
      SOURCE.fill(last, 13);
      lane.bytes.set(SOURCE, lane.addressAt(slot));
      lane.setPort(slot, 1);
    }
    const elapsed = Math.floor(Atomics.add(progress, TOTAL_BATCHES, 1) / BATCHES_PER_MS);
    engine.process(number, Lane.BATCH, START_MS + elapsed);
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

self.onmessage = ({ data }: MessageEvent<CollisionStart>) => self.postMessage(run(data));
