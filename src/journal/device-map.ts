import { DEVICE_RETENTION_MS, type DeviceAddress, type JournalDevice, unionOf } from "./device.ts";
import type { DeviceStore } from "./device-store.ts";
import type { RegistryClock } from "./journal.ts";

/** Devices in a Map of any size, for tools that read a journal. */
export class DeviceMap implements DeviceStore {
  readonly noRoom = 0;
  readonly displaced = 0;
  readonly #clock: RegistryClock;
  readonly #devices = new Map<string, JournalDevice>();
  /** IDs of devices that were announced here, in hex. */
  readonly #own = new Set<string>();
  /** IDs of own devices that the journal does not have yet, in hex. */
  #changed = new Set<string>();

  constructor(clock: RegistryClock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#devices.size;
  }

  merge({ id, confirmed, addresses }: JournalDevice, fromJournal: boolean): void {
    const key = id.toHex();
    const known = this.#devices.get(key);
    const merged = { id, confirmed: confirmed || known?.confirmed === true };
    const valid = this.#valid(unionOf(known?.addresses ?? [], addresses));
    if (valid.length === 0) return;
    this.#devices.set(key, { ...merged, addresses: valid });
    if (fromJournal) return;
    this.#own.add(key);
    this.#changed.add(key);
  }

  takeChanged(most: number): JournalDevice[] {
    const keys = [...this.#changed.values().take(most)];
    for (const key of keys) this.#changed.delete(key);
    return keys.flatMap((key) => this.#live(this.#devices.get(key)!));
  }

  restoreChanged(devices: readonly JournalDevice[]): void {
    for (const { id } of devices) this.#changed.add(id.toHex());
  }

  markAllChanged(): void {
    this.#changed = new Set(this.#own);
  }

  /** In order of the time of their latest address. */
  all(): JournalDevice[] {
    const time = ({ addresses }: JournalDevice) => addresses[0]!.announcedAt;
    return [...this.#devices.values()]
      .flatMap((device) => this.#live(device))
      .sort((one, other) => time(one) - time(other));
  }

  #live(device: JournalDevice): JournalDevice[] {
    const addresses = this.#valid(device.addresses);
    return addresses.length === 0 ? [] : [{ ...device, addresses }];
  }

  #valid(addresses: readonly DeviceAddress[]): DeviceAddress[] {
    const since = this.#clock.now() - DEVICE_RETENTION_MS;
    return addresses.filter(({ announcedAt }) => announcedAt > since);
  }
}
