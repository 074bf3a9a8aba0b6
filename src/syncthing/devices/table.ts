/** Writes the table of devices. Only one thread may do so: the control thread. */
import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import { DEVICE_RETENTION_MS, type JournalDevice, unionOf } from "../../journal/device.ts";
import { DEVICE_ID_BYTES } from "../device-id.ts";
import { encodeAddresses, isLater } from "./addresses.ts";
import { BlockPool } from "./blocks.ts";
import { DEVICE_FLAGS, DEVICE_ID, FLAG_CONFIRMED, FLAG_OWN, MAX_DATA, T_CAPACITY, T_SEQUENCE } from "./layout.ts";
import { DeviceView } from "./view.ts";

/** The outcome of a merge: the device is new, was known, or had no room; "expired": all its addresses are too old. */
export type Merged = "new" | "known" | "full" | "expired";

/** A device in the table. */
export interface StoredDevice extends JournalDevice {
  /** Whether it was announced to this server last, not read from the journal. */
  readonly own: boolean;
}

export class DeviceTable {
  readonly capacity: number;
  /** Devices that gave way to new ones, because the table was full. */
  displaced = 0;
  readonly #view: DeviceView;
  readonly #pool: BlockPool;
  readonly #sequence: Int32Array;
  readonly #data = Buffer.alloc(MAX_DATA);
  /** All devices by their first blocks. */
  readonly #devices = new Set<number>();
  /** Devices announced only once, roughly in order of announcement. If the table is full, the first one is removed. */
  readonly #once = new Set<number>();
  /** Devices announced to this server that the journal does not have yet, in order of announcement. */
  readonly #changed = new Set<number>();
  #addresses = 0;
  #walk: Iterator<number> = this.#devices.values();

  /** @param memory - created by `createDeviceMemory`, and empty */
  constructor(memory: SharedArrayBuffer) {
    this.#view = new DeviceView(memory);
    this.#pool = new BlockPool(this.#view);
    this.#sequence = new Int32Array(memory, T_SEQUENCE, 1);
    this.capacity = this.#view.u32[T_CAPACITY >>> 2]!;
  }

  /** Number of devices, expired ones included that were not removed yet. */
  get size(): number {
    return this.#devices.size;
  }

  /** Number of addresses of all devices, expired ones included. */
  get addresses(): number {
    return this.#addresses;
  }

  /**
   * Adds addresses to those of a device. An address that it has already gets the later of both times. If there are too many,
   * those announced longest ago are left out. Times too far in the future become `now`.
   *
   * @param device - times by the server's clock
   * @param own - whether it was announced to this server; else it comes from the journal
   */
  merge({ id, confirmed, addresses }: JournalDevice, own: boolean, now: number): Merged {
    const since = now - DEVICE_RETENTION_MS;
    const given = addresses
      .map(({ address, announcedAt }) => ({
        address,
        announcedAt: announcedAt > now + MAX_CLOCK_SKEW ? now : announcedAt,
      }))
      .filter(({ announcedAt }) => announcedAt > since);
    if (given.length === 0) return "expired";
    const hash = this.#view.hash(id);
    const slot = this.#view.find(id, hash);
    const known = slot === -1 ? 0 : this.#view.u32[this.#view.slot(slot)]!;
    const before = known === 0 ? [] : this.#live(known, since);
    const flags = known === 0 ? 0 : this.#flags(known);
    // The journal may repeat an announcement, which is not another one then.
    const again = before.length > 0 && (own || isLater(given, before, MAX_CLOCK_SKEW));
    const isConfirmed = confirmed || again || (flags & FLAG_CONFIRMED) !== 0;
    const isOwn = own || ((flags & FLAG_OWN) !== 0 && !isLater(given, before, 0));
    const all = unionOf(before, given);
    const length = encodeAddresses(all, this.#data);
    if (!this.#makeRoom(known, length, own ? Number.POSITIVE_INFINITY : all[0]!.announcedAt)) return "full";
    this.#write(() => {
      const block = known === 0 ? this.#insert(id, hash) : known;
      this.#addresses += all.length - this.#count(block);
      this.#pool.store(block, this.#data, length);
      const value = (all.length << 16) | (isConfirmed ? FLAG_CONFIRMED : 0) | (isOwn ? FLAG_OWN : 0);
      this.#view.u32[(this.#view.at(block) + DEVICE_FLAGS) >>> 2] = value;
      if (isConfirmed) this.#once.delete(block);
      else this.#once.add(block);
      if (!own) return;
      // To the end of the list.
      this.#changed.delete(block);
      this.#changed.add(block);
    });
    return before.length === 0 ? "new" : "known";
  }

  /** A device with its valid addresses; undefined if it has none. */
  get(id: Uint8Array, now: number): StoredDevice | undefined {
    const slot = this.#view.find(id, this.#view.hash(id));
    if (slot === -1) return undefined;
    const device = this.#device(this.#view.u32[this.#view.slot(slot)]!, now - DEVICE_RETENTION_MS);
    return device.addresses.length === 0 ? undefined : device;
  }

  /**
   * Goes on with a walk over all devices, which begins again at its end. Removes the expired ones, and calls `visit` with the
   * others.
   *
   * @param most - how many to look at
   */
  walk(most: number, now: number, visit: (device: StoredDevice) => void): void {
    const since = now - DEVICE_RETENTION_MS;
    for (let left = Math.min(most, this.#devices.size); left > 0; ) {
      const { value: block, done } = this.#walk.next();
      if (done) {
        this.#walk = this.#devices.values();
        continue;
      }
      left--;
      if (this.#live(block, since).length === 0) this.#remove(block);
      else visit(this.#device(block, since));
    }
  }

  /** All devices that are valid at `now`. The table may change while they are read. */
  *all(now: number): Generator<JournalDevice> {
    const since = now - DEVICE_RETENTION_MS;
    for (const block of [...this.#devices]) {
      if (this.#devices.has(block) && this.#live(block, since).length > 0) yield this.#device(block, since);
    }
  }

  /** Takes up to `most` devices that were announced to this server since, oldest announcement first. */
  takeChanged(most: number, now: number): JournalDevice[] {
    const taken: JournalDevice[] = [];
    for (const block of this.#changed) {
      if (taken.length === most) break;
      this.#changed.delete(block);
      const device = this.#device(block, now - DEVICE_RETENTION_MS);
      if (device.addresses.length > 0) taken.push(device);
    }
    return taken;
  }

  /** The devices that {@link takeChanged} gave are not in the journal after all. */
  restoreChanged(devices: readonly JournalDevice[]): void {
    for (const { id } of devices) {
      const slot = this.#view.find(id, this.#view.hash(id));
      if (slot !== -1) this.#changed.add(this.#view.u32[this.#view.slot(slot)]!);
    }
  }

  /** The journal lost its contents: it lacks all devices that were announced to this server. */
  markAllChanged(): void {
    for (const block of this.#devices) if ((this.#flags(block) & FLAG_OWN) !== 0) this.#changed.add(block);
  }

  #flags(block: number): number {
    return this.#view.u32[(this.#view.at(block) + DEVICE_FLAGS) >>> 2]!;
  }

  #count(block: number): number {
    return this.#flags(block) >>> 16;
  }

  /** Time of the last announcement of a device. */
  #announcedAt(block: number): number {
    return this.#live(block, Number.NEGATIVE_INFINITY)[0]!.announcedAt;
  }

  #live(block: number, since: number) {
    return this.#view.addresses(this.#view.copyData(block), since);
  }

  #device(block: number, since: number): StoredDevice {
    const at = this.#view.at(block) + DEVICE_ID;
    return {
      id: this.#view.u8.slice(at, at + DEVICE_ID_BYTES),
      confirmed: (this.#flags(block) & FLAG_CONFIRMED) !== 0,
      own: (this.#flags(block) & FLAG_OWN) !== 0,
      addresses: this.#live(block, since),
    };
  }

  /**
   * Makes room for `length` bytes of addresses of a known device, or of a new one if `known` is 0. Only devices give way that
   * were announced before `before`.
   */
  #makeRoom(known: number, length: number, before: number): boolean {
    for (;;) {
      const hasPlace = known !== 0 || this.#devices.size < this.capacity;
      if (hasPlace && this.#pool.fits(known, length)) return true;
      let oldest: number | undefined;
      for (const block of this.#once) {
        if (block === known) continue;
        oldest = block;
        break;
      }
      if (oldest === undefined || this.#announcedAt(oldest) >= before) return false;
      this.#remove(oldest);
      this.displaced++;
    }
  }

  /** Gives a new device its first block, without addresses, and its slot. */
  #insert(id: Uint8Array, hash: number): number {
    const block = this.#pool.first(id, hash);
    let slot = this.#view.home(hash);
    while (this.#view.u32[this.#view.slot(slot)] !== 0) if (++slot === this.#view.slots) slot = 0;
    this.#view.u32[this.#view.slot(slot)] = block;
    this.#devices.add(block);
    return block;
  }

  #remove(block: number): void {
    this.#addresses -= this.#count(block);
    for (const set of [this.#devices, this.#once, this.#changed]) set.delete(block);
    this.#write(() => {
      this.#view.clearSlot(this.#view.slotOf(block));
      this.#pool.release(block);
    });
  }

  /** Changes the memory. Readers wait, or read again. */
  #write(change: () => void): void {
    Atomics.add(this.#sequence, 0, 1);
    // On ARM before 8.1 the change could become visible before the addition: see beginWrite in src/engine/lock.ts.
    Atomics.load(this.#sequence, 0);
    change();
    Atomics.add(this.#sequence, 0, 1);
  }
}
