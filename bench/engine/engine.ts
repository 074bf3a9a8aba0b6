/**
 * Benchmark of the packet engine: hit, miss, announce and limited, in batches of 1 and 64, with 10,000 and 1,000,000
 * nodes.
 */
import { measure } from "mitata";
import { createCodec } from "../../src/codec/index.ts";
import {
  createEngine,
  createEngineMemory,
  defaultEngineOptions,
  type EngineBackend,
  Lane,
  type PacketEngine,
  VERDICTS,
  type Verdict,
} from "../../src/engine/index.ts";
import type { Row } from "../contest.ts";
import type { Pace } from "../measure.ts";
import { announcement, query, Walk } from "../packets.ts";
import { IdiomaticServer } from "./idiomatic.ts";

const PATHS = ["hit", "miss", "announce", "limited"] as const;
type Path = (typeof PATHS)[number];

/** Expected verdict for the packets of each path. With another verdict the figure would measure something else. */
const EXPECTED: Record<Path, Verdict> = {
  hit: "answered",
  miss: "unknown",
  announce: "refreshed",
  limited: "limited-source",
};

const SOURCES = 16;
const AMPLE = { rate: 1e9, burst: 1e9 };
/** The engine checks all limits, but no packet exceeds them. On the path `limited`, `NONE_LEFT` replaces the source limit. */
const AMPLE_LIMITS = { source: AMPLE, node: AMPLE, new: AMPLE };
/** One query per source, which the preload uses up, and enough announcements for the preload. */
const NONE_LEFT = { rate: 1e-6, burst: 1 };
const codec = createCodec({ backend: "ts" });

/** One node in POPULAR is queried, again and again, and the others are not: in practice, too, most queries ask for few nodes. */
const POPULAR = 5;
/** The most packets per path. The entries of so many nodes do not fit into the processor's cache. */
const POOL = 65_536;
/** Packets are stored in order, each at the start of a cache line, so that the processor prefetches them. */
const LINE = 64;

/** The packets of a path, in an endless loop. */
class Packets {
  readonly #pool: Uint8Array[];
  #at = 0;

  constructor(path: Path, nodes: number) {
    const walk = new Walk(nodes);
    const encoded = Array.from({ length: Math.min(path === "announce" ? nodes : nodes / POPULAR, POOL) }, () => {
      const n = walk.next();
      return codec.encode(path === "announce" ? announcement(n) : query(path === "miss" ? n + nodes : n));
    });
    const stride = Math.ceil(encoded[0]!.length / LINE) * LINE;
    const bytes = new Uint8Array(encoded.length * stride);
    this.#pool = encoded.map((packet, i) => {
      bytes.set(packet, i * stride);
      return bytes.subarray(i * stride, i * stride + packet.length);
    });
  }

  next(): Uint8Array {
    if (this.#at === this.#pool.length) this.#at = 0;
    return this.#pool[this.#at++]!;
  }
}

interface Subject {
  /** Registers nodes 0 to `nodes` - 1. */
  preload(nodes: number): void;
  /** Fills in 64 packets, processes them in batches of `batch`, and returns the ns that processing took. */
  run(packets: Packets, batch: number): number;
  /** Verdict for the last packet; undefined if the subject has none. */
  verdict(): Verdict | undefined;
}

/**
 * An engine with 64 lanes. For batches of 1, each packet has a lane of its own: all lanes are filled first, so that only the
 * calls of `process` are timed.
 */
class EngineSubject implements Subject {
  readonly #engine: PacketEngine;
  readonly #lanes: Lane[];
  #now = 1_400_000_000_000;

  constructor(backend: EngineBackend, nodes: number, limited: boolean) {
    const limits = limited ? { ...AMPLE_LIMITS, source: NONE_LEFT } : AMPLE_LIMITS;
    const memory = createEngineMemory({ ...defaultEngineOptions(), ...limits, lanes: Lane.BATCH, capacity: nodes });
    this.#engine = createEngine(backend, memory);
    this.#lanes = Array.from({ length: Lane.BATCH }, (_, lane) => new Lane(memory, lane));
  }

  #fill(lane: Lane, slot: number, packet: Uint8Array, source: number): void {
    lane.fill(slot, packet);
    const at = lane.addressAt(slot);
    lane.bytes.fill(0, at, at + 16);
    lane.bytes[at + 10] = lane.bytes[at + 11] = 255;
    lane.bytes[at + 12] = 127;
    lane.bytes[at + 15] = source % SOURCES;
    lane.setPort(slot, 4000);
  }

  preload(nodes: number): void {
    const lane = this.#lanes[0]!;
    const prepare = (packet: Uint8Array, source: number) => {
      this.#fill(lane, 0, packet, source);
      this.#engine.process(0, 1, this.#now);
    };
    for (let n = 0; n < nodes; n++) prepare(codec.encode(announcement(n)), n);
    for (let source = 0; source < SOURCES; source++) prepare(codec.encode(query(0)), source);
  }

  run(packets: Packets, batch: number): number {
    this.#now++;
    const lane = this.#lanes[0]!;
    for (let i = 0; i < Lane.BATCH; i++) {
      if (batch === 1) this.#fill(this.#lanes[i]!, 0, packets.next(), i);
      else this.#fill(lane, i, packets.next(), i);
    }
    const start = Bun.nanoseconds();
    if (batch === 1) for (let i = 0; i < Lane.BATCH; i++) this.#engine.process(i, 1, this.#now);
    else this.#engine.process(0, Lane.BATCH, this.#now);
    return Bun.nanoseconds() - start;
  }

  verdict(): Verdict {
    return VERDICTS[this.#lanes[0]!.verdict(0)]!;
  }
}

/** The server in the usual TypeScript way (idiomatic.ts). It has no batches, so `run` ignores the batch size. */
class IdiomaticSubject implements Subject {
  readonly #server: IdiomaticServer;
  readonly #sources = Array.from({ length: SOURCES }, (_, i) => `127.0.0.${i}`);
  #now = 1_400_000_000_000;

  constructor(limited: boolean) {
    this.#server = new IdiomaticServer(limited ? { ...AMPLE_LIMITS, source: NONE_LEFT } : AMPLE_LIMITS);
  }

  preload(nodes: number): void {
    for (let n = 0; n < nodes; n++) this.#handle(Buffer.from(codec.encode(announcement(n))), n);
  }

  #handle(packet: Buffer, source: number): Buffer | undefined {
    return this.#server.handle(packet, this.#sources[source % SOURCES]!, this.#now);
  }

  run(packets: Packets): number {
    this.#now++;
    const buffers = Array.from({ length: Lane.BATCH }, () => Buffer.from(packets.next()));
    const start = Bun.nanoseconds();
    for (let i = 0; i < Lane.BATCH; i++) this.#handle(buffers[i]!, i);
    return Bun.nanoseconds() - start;
  }

  verdict(): undefined {
    return undefined;
  }
}

const SUBJECTS = ["wasm", "ts twin", "idiomatic"] as const;

function subject(who: (typeof SUBJECTS)[number], nodes: number, limited: boolean): Subject {
  if (who === "idiomatic") return new IdiomaticSubject(limited);
  return new EngineSubject(who === "wasm" ? "wasm" : "ts", nodes, limited);
}

/** Nanoseconds per packet. `run` measures its own time, because filling the lanes must not count. */
async function perPacket(run: () => number, { engine, collects }: Pace): Promise<Pick<Row, "ns" | "spread">> {
  // mitata's types lack `manual` and `gc: false`.
  const options = { min_cpu_time: engine * 1e6, manual: true, ...(!collects && { gc: false }) } as object;
  const { p25, p50, p75 } = await measure(run, options);
  return { ns: p50 / Lane.BATCH, spread: [p25 / Lane.BATCH, p75 / Lane.BATCH] };
}

/** @param sizes numbers of nodes. @param report called with each finished row. */
export async function benchEngine(sizes: readonly number[], pace: Pace, report: (row: Row) => void): Promise<void> {
  for (const nodes of sizes) {
    for (const path of PATHS) {
      for (const who of SUBJECTS) {
        const it = subject(who, nodes, path === "limited");
        it.preload(nodes);
        for (const batch of [1, Lane.BATCH]) {
          const packets = new Packets(path, nodes);
          const figures = await perPacket(() => it.run(packets, batch), pace);
          const verdict = it.verdict();
          if (verdict !== undefined && verdict !== EXPECTED[path])
            throw new Error(`${path} of ${who} has the verdict ${verdict}, not ${EXPECTED[path]}`);
          report({ suite: "engine", what: `${path}, batch of ${batch}, ${nodes} nodes`, who, ...figures });
        }
      }
    }
  }
}
