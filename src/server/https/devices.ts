/** The devices that announced themselves over HTTPS: their table, and their entries in the registry that answers over UDP. */
import { getLogger } from "@logtape/logtape";
import { type EngineMemory, Exchange, type PacketEngine } from "../../engine/index.ts";
import { DEVICE_RETENTION_MS, type DeviceStore, type JournalDevice } from "../../journal/index.ts";
import { firstTcpEndpoint } from "../../syncthing/addresses.ts";
import { deviceNodeId } from "../../syncthing/device-id.ts";
import { DeviceTable, type Merged, type StoredDevice } from "../../syncthing/devices/index.ts";
import type { Clock } from "../clock.ts";

const logger = getLogger(["whereabouts", "https"]);

/**
 * All devices are looked at so often in the time that their entries or addresses are valid: if a few rounds fail, no entry has
 * expired, and expired devices do not take up the table for long.
 */
const ROUNDS = 4;
/** How long one call of `tick` may block the control thread. */
const BUDGET_MS = 5;
/** Devices between two looks at the clock. */
const STEP = 64;

export class Devices implements DeviceStore {
  readonly table: DeviceTable;
  noRoom = 0;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  /** IDs of devices whose entries could not be written, because a part of the registry was locked. */
  #late: Uint8Array[] = [];
  #lastTick = performance.now();

  /**
   * @param memory - of `createDeviceMemory`
   * @param engine - an engine that only this thread uses
   */
  constructor(memory: SharedArrayBuffer, engineMemory: EngineMemory, engine: PacketEngine, clock: Clock) {
    this.table = new DeviceTable(memory);
    this.#exchange = new Exchange(engineMemory, engine);
    this.#clock = clock;
    this.#retentionMs = this.#exchange.retentionMs;
  }

  get size(): number {
    return this.table.size;
  }

  get displaced(): number {
    return this.table.displaced;
  }

  /** Stores what a device announced to this server just now. */
  announce(id: Uint8Array, addresses: readonly string[]): Merged {
    const announcedAt = this.#clock.now();
    const device = { id, confirmed: false, addresses: addresses.map((address) => ({ address, announcedAt })) };
    return this.#merge(device, true);
  }

  merge(device: JournalDevice, fromJournal: boolean): void {
    if (this.#merge(device, !fromJournal) === "full") this.noRoom++;
  }

  takeChanged(most: number): JournalDevice[] {
    return this.table.takeChanged(most, this.#clock.now());
  }

  restoreChanged(devices: readonly JournalDevice[]): void {
    this.table.restoreChanged(devices);
  }

  markAllChanged(): void {
    this.table.markAllChanged();
  }

  all(): Iterable<JournalDevice> {
    return this.table.all(this.#clock.now());
  }

  /** Removes expired devices, and renews the entries of the others before they expire. To be called several times a second. */
  tick(): void {
    const [from, now] = [performance.now(), this.#clock.now()];
    for (const id of this.#late.splice(0)) this.#registerById(id, now);
    const valid = Math.min(this.#retentionMs, DEVICE_RETENTION_MS);
    let left = Math.ceil((this.table.size * (from - this.#lastTick) * ROUNDS) / valid);
    this.#lastTick = from;
    for (; left > 0 && performance.now() - from < BUDGET_MS; left -= STEP) {
      this.table.walk(Math.min(left, STEP), now, (device) => this.#register(device, now));
    }
  }

  #merge(device: JournalDevice, own: boolean): Merged {
    const now = this.#clock.now();
    const merged = this.table.merge(device, own, now);
    if (merged === "new" || merged === "known") this.#registerById(device.id, now);
    return merged;
  }

  /** Writes the entry of a device as the table has it now. */
  #registerById(id: Uint8Array, now: number): void {
    const device = this.table.get(id, now);
    if (device !== undefined) this.#register(device, now);
  }

  /** Merges the entry that was written into the exchange area. Returns whether that is done. */
  #mergeEntry(now: number): boolean {
    try {
      return this.#exchange.merge(1, now) === 1;
    } catch (error) {
      // The engine has failed. If the registry is damaged, the server finds that out, and stops in order.
      logger.error("the entry of a device could not be written: {error}", { error });
      return false;
    }
  }

  /**
   * Writes the device's entry in the registry, with its first TCP address. An entry is valid for the server's retention, which
   * may be shorter or longer than an address is: the entry's time is such that it expires with the address at the latest.
   */
  #register(device: StoredDevice, now: number): void {
    for (const { address, announcedAt } of device.addresses) {
      const endpoint = firstTcpEndpoint([address]);
      if (endpoint === undefined) continue;
      const time = Math.min(now, announcedAt + DEVICE_RETENTION_MS - this.#retentionMs);
      const nodeId = new TextEncoder().encode(deviceNodeId(device.id));
      this.#exchange.writeAuthenticated({ nodeId, ...endpoint, time, fromJournal: !device.own });
      if (!this.#mergeEntry(now)) this.#late.push(device.id);
      return;
    }
  }
}
