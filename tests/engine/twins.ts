/** Runs both engines over the same packets at the same times and finds their first difference. */
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  EXCHANGE_ENTRIES,
  H_EXCHANGE_AT,
  H_RETENTION,
  H_SHARD_MASK,
  H_STRIDE,
  KEY_SIZE,
  MAX_CLOCK_SKEW,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  TIME_STEP,
} from "../../assembly/layout.ts";
import {
  createEngineMemory,
  createTsEngine,
  createWasmEngine,
  defaultEngineOptions,
  type EngineMemory,
  type EngineOptions,
  Lane,
  type PacketEngine,
  VERDICTS,
} from "../../src/engine/index.ts";
import { announcement, ascii, hex, mutate, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

interface Difference {
  packet: number;
  hex: string;
  what: string;
}

interface Twin {
  engine: PacketEngine;
  lane: Lane;
  bytes: Uint8Array;
  f64: Float64Array;
  u32: Uint32Array;
}

interface Datagram {
  id: Uint8Array;
  bytes: Uint8Array;
  address: Uint8Array;
  port: number;
}

function makeTwin(options: EngineOptions, make: (memory: EngineMemory) => PacketEngine): Twin {
  const memory = createEngineMemory(options);
  return {
    engine: make(memory),
    lane: new Lane(memory, 0),
    bytes: new Uint8Array(memory.buffer),
    f64: new Float64Array(memory.buffer),
    u32: new Uint32Array(memory.buffer),
  };
}

/**
 * Random options under which limits are exceeded, the registry is full and nodes expire within thousands of packets.
 */
function options(random: Random): EngineOptions {
  const limit = () =>
    random.once(4) ? { rate: 0, burst: 1 } : { rate: 1 + random.below(60), burst: 1 + random.below(30) };
  const network = () => ({ address: source(random), prefix: 96 + random.below(33) });
  return {
    ...defaultEngineOptions(),
    capacity: 20 + random.below(700),
    maxIdLength: random.pick([1, 32, 52, 64, 64, 64, 64, 64, 1008]),
    retentionMs: random.pick([500, 5_000, 60_000]),
    source: limit(),
    node: limit(),
    new: limit(),
    allow: random.once(3) ? [network(), network()] : [],
    dryRun: random.once(4),
    limiterSets: random.pick([1, 4, 64]),
    shards: random.pick([1, 2, 8]),
    key: random.bytes(KEY_SIZE),
  };
}

/**
 * 16 bytes: IPv4 from three /24, IPv6 from two /48, and sometimes a link-local address, or ::x, which is IPv6 but starts
 * like mapped IPv4.
 */
function source(random: Random): Uint8Array {
  const address = new Uint8Array(16);
  if (random.once(15)) {
    if (random.once(2)) address.set(random.once(2) ? [0xfe, 0x80] : [0xfe, 0xc0]);
    else address.set([0xff, 0xff, 169, 253 + random.below(3)], 10);
  } else if (random.once(20)) {
    address[15] = random.below(4);
  } else if (random.once(3)) {
    address.set([0x20, 0x01, 0x0d, 0xb8, 0, random.below(2), 0, random.below(3)]);
    address[15] = random.below(4);
  } else {
    address.set([0xff, 0xff, 10, 0, random.below(3), random.below(30)], 10);
  }
  return address;
}

/** Few NodeIDs of all kinds, so that many packets are for the same one. */
export function nodeIds(random: Random): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let i = 0; i < 400; i++) list.push(random.bytes(1 + random.below(70)));
  for (let i = 0; i < 50; i++) list.push(ascii(`NODE${"A".repeat(random.below(60))}${i % 7}`));
  for (let i = 0; i < 30; i++) list.push(new Uint8Array(random.below(70)).fill(i % 2));
  for (let i = 0; i < 10; i++) list.push(random.bytes(60 + random.below(960)));
  return list;
}

/** A datagram: valid, mutated or garbage. */
export function datagram(random: Random, ids: readonly Uint8Array[]): Datagram {
  const id = random.pick(ids);
  // Most announcements of a node repeat the last one, so that it is confirmed.
  const repeat = random.below(10) < 7;
  const port = random.once(50) ? 0 : repeat ? 1 + id.length : 1 + random.below(65535);
  let bytes: Uint8Array;
  const kind = random.below(100);
  if (kind < 45) bytes = query(id);
  else if (kind < 85) bytes = announcement(id, port, random.once(3) ? random.bytes(random.pick([4, 16])) : undefined);
  else if (kind < 97) bytes = mutate(random, random.once(2) ? query(id) : announcement(id, port));
  else if (kind < 99) bytes = random.bytes(random.below(120));
  else bytes = new Uint8Array(1000 + random.below(1000));
  const home = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, id.length, id[0] ?? 0);
  const address = repeat ? home : source(random);
  return { id, bytes, address, port: random.once(100) ? 0 : 1 + random.below(65535) };
}

function fill(twin: Twin, slot: number, { bytes, address, port }: Datagram): void {
  twin.lane.fill(slot, bytes);
  twin.bytes.set(address, twin.lane.addressAt(slot));
  twin.lane.setPort(slot, port);
}

function compareSlot(a: Twin, b: Twin, slot: number): string | undefined {
  const [one, other] = [a.lane.verdict(slot), b.lane.verdict(slot)];
  if (one !== other) return `verdict ${VERDICTS[one]} (wasm), ${VERDICTS[other]} (ts)`;
  const [limit, twinLimit] = [a.lane.limit(slot), b.lane.limit(slot)];
  if (limit !== twinLimit) return `limit ${limit} (wasm), ${twinLimit} (ts)`;
  const [reply, twin] = [a.lane.reply(slot), b.lane.reply(slot)];
  if (reply === undefined && twin === undefined) return undefined;
  if (reply === undefined || twin === undefined) return "only one of them replies";
  return Buffer.compare(reply, twin) === 0 ? undefined : `reply ${hex(reply)} (wasm), ${hex(twin)} (ts)`;
}

function compareImages(a: Twin, b: Twin): string | undefined {
  if (Buffer.compare(a.bytes, b.bytes) === 0) return undefined;
  const at = a.u32.findIndex((word, i) => word !== b.u32[i]) * 4;
  return `memory at ${at}: ${a.u32[at >>> 2]} (wasm), ${b.u32[at >>> 2]} (ts)`;
}

/** Mostly a recent time; sometimes at a limit, with a fraction of a millisecond, or invalid. */
function journalTime(random: Random, now: number, retention: number): number {
  const kind = random.below(20);
  if (kind === 0) return random.pick([Number.NaN, Infinity, -Infinity, -1, Number.MAX_VALUE, now + 1e12]);
  if (kind === 1) return now + random.pick([-retention, MAX_CLOCK_SKEW]) + (random.below(5) - 2) / 2;
  return now - random.below(8000) + 200 + (kind < 10 ? random.below(1024) * TIME_STEP : 0);
}

/** The META flags of a merged entry: half of the entries are confirmed, half are authenticated. */
function flags(random: Random): number {
  const confirmed = random.once(2) ? META_CONFIRMED : 0;
  const authenticated = random.once(2) ? META_AUTHENTICATED : 0;
  return confirmed | authenticated | (random.once(4) ? META_FROM_JOURNAL : 0);
}

/** One random journal operation on both engines: sweep, listing with cursor move, or merge. */
function journal(random: Random, twins: readonly Twin[], ids: readonly Uint8Array[], now: number): string | undefined {
  const kind = random.below(3);
  const shard = random.below(2) === 0 ? 0 : twins[0]!.u32[H_SHARD_MASK >>> 2]!;
  const until = now - random.below(3000);
  const what = random.below(6);
  const count = random.below(16);
  const entries = Array.from({ length: count }, () => ({
    id: random.pick(ids),
    address: source(random),
    meta: random.once(20) ? 0 : (random.word() & 0xffff0000) | flags(random),
    time: journalTime(random, now, twins[0]!.f64[H_RETENTION >>> 3]!),
  }));
  const first = random.once(4) ? 1 : 0;
  const walk = random.once(2);
  const filler = random.once(2) ? 0 : 0xee;
  const results = twins.map((twin) => {
    if (kind === 0) return twin.engine.sweep(now);
    if (kind === 1) {
      const listed = twin.engine.collect(shard, walk, until);
      return what === 5 || twin.engine.moveCursor(shard, what) ? listed : -1;
    }
    const stride = twin.u32[H_STRIDE >>> 2]!;
    entries.forEach(({ id, address, meta, time }, i) => {
      const at = twin.u32[H_EXCHANGE_AT >>> 2]! + i * stride;
      twin.bytes.fill(filler, at, at + stride);
      twin.f64[(at + ENTRY_TIME) >>> 3] = time;
      twin.u32[(at + ENTRY_META) >>> 2] = meta | id.length;
      twin.bytes.set(address, at + ENTRY_ADDRESS);
      twin.bytes.set(id.subarray(0, stride - ENTRY_ID), at + ENTRY_ID);
    });
    return twin.engine.merge(first, count, now);
  });
  if (results[0] !== results[1]) {
    return `${["sweep", "collect", "merge"][kind]}: ${results[0]} (wasm), ${results[1]} (ts) of ${EXCHANGE_ENTRIES}`;
  }
  return undefined;
}

export interface FuzzResult {
  packets: number;
  /** Number of packets per verdict. */
  verdicts: Record<string, number>;
  difference?: Difference;
}

/** Packets after which both engines are created again, with other options. */
const ROUND = 20_000;

/**
 * Sends `packets` packets through both engines. Stops at the first difference in a verdict, a reply or the memory
 * image.
 * @param inspect called with the wasm engine's memory after each round, to check its invariants.
 * @param corruptAfter number of a packet after which one bit of one engine is flipped. For testing the fuzzer itself.
 */
export function fuzz(
  packets: number,
  seed: number,
  inspect?: (memory: Uint8Array) => void,
  corruptAfter = Number.POSITIVE_INFINITY,
): FuzzResult {
  const verdicts: Record<string, number> = Object.fromEntries(VERDICTS.map((name) => [name, 0]));
  let done = 0;
  for (let round = 0; done < packets; round++) {
    const random = new Random(seed + round * 0x9e3779b9);
    const config = options(random);
    const twins = [makeTwin(config, createWasmEngine), makeTwin(config, createTsEngine)] as const;
    const difference = fuzzRound(
      random,
      twins,
      Math.min(ROUND, packets - done),
      done,
      verdicts,
      config.retentionMs,
      corruptAfter,
    );
    if (difference) return { packets: done, verdicts, difference };
    inspect?.(twins[0].bytes);
    done += Math.min(ROUND, packets - done);
  }
  return { packets: done, verdicts };
}

function fuzzRound(
  random: Random,
  twins: readonly [Twin, Twin],
  packets: number,
  first: number,
  verdicts: Record<string, number>,
  retention: number,
  corruptAfter: number,
): Difference | undefined {
  const [a, b] = twins;
  const ids = nodeIds(random);
  const before = new Uint8Array(a.bytes.length);
  let now = 1_400_000_000_000;
  for (let done = 0; done < packets; ) {
    const batch = Array.from({ length: Math.min(1 + random.below(64), packets - done) }, () => datagram(random, ids));
    before.set(a.bytes);
    batch.forEach((packet, slot) => {
      fill(a, slot, packet);
      fill(b, slot, packet);
    });
    a.engine.process(0, batch.length, now);
    b.engine.process(0, batch.length, now);
    for (let slot = 0; slot < batch.length; slot++) verdicts[VERDICTS[a.lane.verdict(slot)]!]!++;
    if (first + done <= corruptAfter && corruptAfter < first + done + batch.length)
      a.bytes[a.u32[H_EXCHANGE_AT >>> 2]!]! ^= 1;
    if (batch.some((_, slot) => compareSlot(a, b, slot)) || compareImages(a, b)) {
      return locate(twins, before, batch, first + done, now);
    }
    done += batch.length;
    if (random.once(8)) {
      // The nodes announced last are at the ends of the queues.
      const known = random.once(3) ? batch.map(({ id }) => id) : ids;
      const what = journal(random, twins, known, now) ?? compareImages(a, b);
      if (what) return { packet: first + done, hex: "", what };
    }
    now += tick(random, retention);
  }
  return undefined;
}

/** Most batches are a few ms apart. Some have the same time, some come after an expiry, and some go back in time. */
function tick(random: Random, retention: number): number {
  const kind = random.below(40);
  if (kind === 0) return -random.below(retention);
  if (kind === 1) return random.below(retention);
  return kind < 10 ? 0 : random.below(40);
}

/** Restores the image before the batch and runs it again, packet by packet. */
function locate(
  twins: readonly [Twin, Twin],
  before: Uint8Array,
  batch: readonly Datagram[],
  first: number,
  now: number,
): Difference {
  for (const twin of twins) twin.bytes.set(before);
  const [a, b] = twins;
  for (const [i, packet] of batch.entries()) {
    for (const twin of twins) {
      fill(twin, 0, packet);
      twin.engine.process(0, 1, now);
    }
    const what = compareSlot(a, b, 0) ?? compareImages(a, b);
    if (what) return { packet: first + i, hex: hex(packet.bytes), what };
  }
  return { packet: first, hex: "", what: "the batch as a whole, but not its packets one by one" };
}
