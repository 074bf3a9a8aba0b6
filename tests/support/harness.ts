/** A packet engine without sockets: datagrams in, verdicts and replies out, at times that a test chooses. */
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  H_EXCHANGE_AT,
  H_MERGED,
  H_STRIDE,
  LIST_MORE,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  META_LENGTH,
} from "../../assembly/layout.ts";
import {
  createEngine,
  createEngineMemory,
  defaultEngineOptions,
  type EngineBackend,
  EngineControl,
  type EngineMemory,
  type EngineOptions,
  Lane,
  type PacketEngine,
  VERDICTS,
  type Verdict,
} from "../../src/engine/index.ts";
import { writeAddress } from "../../src/transport/address.ts";

export const NO_LIMIT = { rate: 0, burst: 1 };
export const UNLIMITED = { source: NO_LIMIT, node: NO_LIMIT, new: NO_LIMIT };

export interface JournalEntry {
  nodeId: Uint8Array;
  address: string;
  port: number;
  time: number;
  confirmed?: boolean;
  authenticated?: boolean;
}

export class Harness {
  readonly memory: EngineMemory;
  readonly engine: PacketEngine;
  readonly control: EngineControl;
  readonly lane: Lane;
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  now = 1_400_000_000_000;

  constructor(backend: EngineBackend, options: Partial<EngineOptions> = {}) {
    this.memory = createEngineMemory({ ...defaultEngineOptions(), capacity: 1000, ...options });
    this.engine = createEngine(backend, this.memory);
    this.control = new EngineControl(this.memory);
    this.lane = new Lane(this.memory, 0);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.u32 = new Uint32Array(this.memory.buffer);
    this.f64 = new Float64Array(this.memory.buffer);
  }

  /** Processes one datagram from `address` at `now`. The reply is a copy. */
  send(
    packet: Uint8Array,
    address = "192.0.2.1",
    port = 4000,
  ): { verdict: Verdict; reply: Uint8Array<ArrayBuffer> | undefined } {
    this.lane.fill(0, packet);
    writeAddress(address, this.bytes, this.lane.addressAt(0));
    this.lane.setPort(0, port);
    this.engine.process(0, 1, this.now);
    return { verdict: VERDICTS[this.lane.verdict(0)]!, reply: copy(this.lane.reply(0)) };
  }

  /** Sends `count` packets. Returns how many of them get `verdict`. */
  count(verdict: Verdict, count: number, packet: (i: number) => Uint8Array, address?: (i: number) => string): number {
    let found = 0;
    for (let i = 0; i < count; i++) if (this.send(packet(i), address?.(i)).verdict === verdict) found++;
    return found;
  }

  /** Writes an entry into the exchange area, for `merge`. */
  put(slot: number, { nodeId, address, port, time, confirmed, authenticated }: JournalEntry): void {
    const at = this.u32[H_EXCHANGE_AT >>> 2]! + slot * this.u32[H_STRIDE >>> 2]!;
    this.bytes.fill(0, at, at + this.u32[H_STRIDE >>> 2]!);
    this.f64[(at + ENTRY_TIME) >>> 3] = time;
    const flags = (confirmed ? META_CONFIRMED : 0) | (authenticated ? META_AUTHENTICATED : 0);
    this.u32[(at + ENTRY_META) >>> 2] = (port << 16) | flags | nodeId.length;
    writeAddress(address, this.bytes, at + ENTRY_ADDRESS);
    this.bytes.set(nodeId, at + ENTRY_ID);
  }

  /** Address of the NodeID of an entry in the exchange area. */
  idAt(slot: number): number {
    return this.u32[H_EXCHANGE_AT >>> 2]! + slot * this.u32[H_STRIDE >>> 2]! + ENTRY_ID;
  }

  /** Merges the first `count` entries of the exchange area. Returns how many were new or later. */
  merge(count: number): number {
    const before = this.u32[H_MERGED >>> 2]!;
    if (this.engine.merge(0, count, this.now) !== count) throw new Error("a shard is locked");
    return this.u32[H_MERGED >>> 2]! - before;
  }

  /**
   * Lists shard 0 completely: what was announced since the last listing, or with `until` the rest of the walk before
   * it.
   */
  list(until?: number): ReturnType<Harness["take"]>[] {
    const entries: ReturnType<Harness["take"]>[] = [];
    for (let more = true; more; ) {
      const listed = this.engine.collect(0, until !== undefined, until ?? 0);
      for (let i = 0; i < (listed & 0xffff); i++) entries.push(this.take(i));
      more = (listed & LIST_MORE) !== 0;
    }
    return entries;
  }

  /** Reads an entry that `collect` copied to the exchange area. */
  take(slot: number): { nodeId: Uint8Array; port: number; time: number; fromJournal: boolean; confirmed: boolean } {
    const at = this.u32[H_EXCHANGE_AT >>> 2]! + slot * this.u32[H_STRIDE >>> 2]!;
    const meta = this.u32[(at + ENTRY_META) >>> 2]!;
    return {
      nodeId: this.bytes.slice(at + ENTRY_ID, at + ENTRY_ID + (meta & META_LENGTH)),
      port: meta >>> 16,
      time: this.f64[(at + ENTRY_TIME) >>> 3]!,
      fromJournal: (meta & META_FROM_JOURNAL) !== 0,
      confirmed: (meta & META_CONFIRMED) !== 0,
    };
  }
}

function copy(bytes: Uint8Array | undefined): Uint8Array<ArrayBuffer> | undefined {
  return bytes && new Uint8Array(bytes);
}
