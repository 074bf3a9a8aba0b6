import { DEVICE_RETENTION_MS, type DeviceAddress, deviceProblem, type JournalDevice } from "./device.ts";
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
  /** Those of them that are not in the journal yet. */
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
    const valid = this.#valid(latestOfEach([...(known?.addresses ?? []), ...addresses]));
    if (valid.length === 0) return;
    // Those announced longest ago are left out if there are too many.
    while (deviceProblem({ ...merged, addresses: valid }) !== undefined && valid.length > 1) valid.pop();
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

/** Each address once, with its latest time; the latest first. */
function latestOfEach(addresses: readonly DeviceAddress[]): DeviceAddress[] {
  const times = new Map<string, number>();
  for (const { address, announcedAt } of addresses) {
    times.set(address, Math.max(announcedAt, times.get(address) ?? announcedAt));
  }
  return [...times]
    .map(([address, announcedAt]) => ({ address, announcedAt }))
    .sort((one, other) => other.announcedAt - one.announcedAt);
}
