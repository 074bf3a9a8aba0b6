/** A registry and its batches, as a journal uses them, without a server. */
import { H_SHARDS_AT, SHARD_LOCK, SHARD_SIZE } from "../../assembly/layout.ts";
import type { EngineBackend, EngineOptions } from "../../src/engine/index.ts";
import { Batch, DeviceMap, type Journal, type JournalRegistry, type SealedBatch } from "../../src/journal/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { RegistryBatches } from "../../src/server/registry-batches.ts";
import { Harness, UNLIMITED } from "./harness.ts";
import { announcement, ascii, query } from "./packets.ts";

export class Site {
  readonly harness: Harness;
  readonly batches: RegistryBatches;
  readonly devices: DeviceMap;

  constructor(backend: EngineBackend = "wasm", options: Partial<EngineOptions> = {}) {
    this.harness = new Harness(backend, { ...UNLIMITED, capacity: 20_000, ...options });
    this.harness.now = Date.now();
    const clock = new Clock();
    this.devices = new DeviceMap(clock);
    this.batches = new RegistryBatches(
      this.harness.memory,
      this.harness.engine,
      this.devices,
      clock,
      crypto.getRandomValues(new Uint8Array(8)),
    );
  }

  announce(name: string, port: number, address = "192.0.2.1", now = Date.now()): void {
    this.harness.now = now;
    this.harness.send(announcement(ascii(name), port), address);
  }

  /** The reply for a node, in hex. */
  reply(name: string): string | undefined {
    this.harness.now = Date.now();
    return this.harness.send(query(ascii(name))).reply?.toHex();
  }

  /** The entries announced since the last call, as batches. */
  async newEntries(shift = 0): Promise<Batch[]> {
    const list: Batch[] = [];
    await this.batches.appendNew(collect(list), () => shift);
    return list;
  }

  /** All entries, as batches. */
  async allEntries(): Promise<Batch[]> {
    const list: Batch[] = [];
    await this.batches.appendAll(collect(list), () => 0);
    return list;
  }

  async merge(batches: readonly Batch[], shift = 0): Promise<void> {
    for (const batch of batches) await this.batches.merge(batch, shift);
  }

  lock(shard: number, holder: number): void {
    this.harness.u32[(this.harness.u32[H_SHARDS_AT >>> 2]! + shard * SHARD_SIZE + SHARD_LOCK) >>> 2] = holder;
  }
}

export function collect(into: Batch[]): (batch: SealedBatch) => Promise<void> {
  return async ({ bytes }) => void into.push(Batch.parse(bytes));
}

/** `NodeID port` of all entries. */
export function names(batches: readonly Batch[]): string[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.count }, (_, i) => {
      const { nodeId, port } = batch.entry(i);
      return `${new TextDecoder().decode(nodeId)} ${port}`;
    }),
  );
}

/** A site as the registry of a journal. Counts the requests to append again, and carries them out if `journal` is set. */
export class SiteRegistry implements JournalRegistry {
  readonly site: Site;
  again = 0;
  all = 0;
  journal: Journal | undefined;

  constructor(site: Site) {
    this.site = site;
  }

  get nodes(): number {
    return this.site.harness.control.nodes;
  }

  get devices(): number {
    return this.site.devices.size;
  }

  get noRoom(): number {
    return this.site.batches.noRoom + this.site.devices.noRoom;
  }

  get displaced(): number {
    return this.site.harness.control.counters().displaced;
  }

  merge(batch: Batch, shift: number): Promise<void> {
    return this.site.batches.merge(batch, shift);
  }

  appendAgain(): void {
    this.again++;
    this.site.batches.appendAgain();
  }

  async appendAll(): Promise<void> {
    const { journal } = this;
    if (journal)
      await this.site.batches.appendAll(
        (batch) => journal.append(batch),
        () => journal.shift,
      );
    this.all++;
  }

  /** Appends new entries, as a server does every 250 ms. */
  async append(): Promise<void> {
    const { journal } = this;
    if (journal)
      await this.site.batches.appendNew(
        (batch) => journal.append(batch),
        () => journal.shift,
      );
  }
}
