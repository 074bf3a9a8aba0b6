/**
 * How long a shard stays locked while entries are listed for the journal. Announcements wait for that lock, lookups do
 * not.
 */
import { ENTRY_ADDRESS, ENTRY_ID, ENTRY_META, ENTRY_TIME, LIST_BATCH } from "../../assembly/layout.ts";
import {
  createEngine,
  createEngineMemory,
  defaultEngineOptions,
  type EngineBackend,
  Exchange,
} from "../../src/engine/index.ts";
import { median, quantile } from "../statistics.ts";

export interface LockFigures {
  readonly backend: EngineBackend;
  readonly idLength: number;
  readonly nodes: number;
  /** Microseconds that a shard is locked for LIST_BATCH entries, each in another part of the memory. */
  readonly medianUs: number;
  readonly p99Us: number;
  /** Nanoseconds per entry listed. */
  readonly listNs: number;
  /** Nanoseconds per entry merged. */
  readonly mergeNs: number;
}

export function lockFigures(backend: EngineBackend, maxIdLength: number, nodes: number): LockFigures {
  const memory = createEngineMemory({ ...defaultEngineOptions(), capacity: nodes, maxIdLength });
  const engine = createEngine(backend, memory);
  const exchange = new Exchange(memory, engine);
  const f64 = new Float64Array(memory.buffer);
  const { words } = exchange;
  const now = Date.now();
  const idLength = maxIdLength === 64 ? 52 : maxIdLength;
  let began = performance.now();
  for (let n = 0; n < nodes; n += Exchange.CAPACITY) {
    for (let place = 0; place < Exchange.CAPACITY; place++) {
      const at = exchange.at(place);
      f64[(at * 4 + ENTRY_TIME) >>> 3] = now - 1e6 + n + place;
      words[at + (ENTRY_META >>> 2)] = (1000 << 16) | idLength;
      words[at + (ENTRY_ADDRESS >>> 2) + 3] = n;
      words[at + (ENTRY_ID >>> 2)] = n + place;
    }
    exchange.merge(Exchange.CAPACITY, now);
  }
  const mergeNs = ((performance.now() - began) * 1e6) / nodes;
  const lockedUs: number[] = [];
  let listed = 0;
  began = performance.now();
  for (let shard = 0; shard < exchange.shards; shard++) {
    do {
      const before = performance.now();
      const count = exchange.walk(shard, Number.POSITIVE_INFINITY);
      if (count === LIST_BATCH) lockedUs.push((performance.now() - before) * 1000);
      listed += count;
    } while (exchange.more);
  }
  const listNs = ((performance.now() - began) * 1e6) / listed;
  return { backend, idLength, nodes, medianUs: median(lockedUs), p99Us: quantile(lockedUs, 0.99), listNs, mergeNs };
}
