/** The devices of the LAN and their addresses. Contains no clock and no socket. */
import { formatDeviceId } from "../device-id.ts";
import type { DeviceEvent, LanDevice } from "../discoverer/types.ts";

/** The most source addresses of one device that are kept. A host with more networks is still found by these. */
const MAX_SOURCES = 8;

/** The last announcement of a device from one source address. */
interface Heard {
  readonly addresses: readonly string[];
  /** Syncthing has one for each family, so it only says something together with the source. */
  readonly instance: bigint;
}

interface Device {
  readonly deviceId: string;
  /** By source address, in the order in which they were first heard. */
  readonly sources: Map<string, Heard>;
  /** All addresses, those of the newest source first. */
  addresses: readonly string[];
  /** In ms since 1970. */
  seenAt: number;
}

export class Devices {
  readonly #devices = new Map<string, Device>();

  /** Whether there is room for what a device announces from this source. */
  hasRoom(key: string, source: string): boolean {
    const sources = this.#devices.get(key)?.sources;
    return sources === undefined || sources.has(source) || sources.size < MAX_SOURCES;
  }

  /**
   * Keeps what a device announced.
   *
   * @param key - of its ID
   * @param id - 32 bytes, not kept
   * @param seenAt - in ms since 1970
   * @returns the event, if there is one; `restarted` if the device may not know this one: it is new there, or was restarted
   */
  heard(
    key: string,
    id: Uint8Array,
    source: string,
    heard: Heard,
    seenAt: number,
  ): { readonly event: DeviceEvent | undefined; readonly restarted: boolean } {
    const known = this.#devices.get(key);
    const device = known ?? { deviceId: formatDeviceId(id), sources: new Map(), addresses: [], seenAt };
    if (known === undefined) this.#devices.set(key, device);
    const before = device.sources.get(source);
    device.sources.set(source, heard);
    device.seenAt = seenAt;
    const changed = this.#update(device);
    const type = known === undefined ? "device" : changed ? "moved" : undefined;
    return { event: type && { ...viewOf(device), type }, restarted: before?.instance !== heard.instance };
  }

  /** Forgets what a device announced from one source. @returns the event, if there is one */
  forget(key: string, source: string): DeviceEvent | undefined {
    const device = this.#devices.get(key);
    if (device === undefined) return undefined;
    device.sources.delete(source);
    if (device.sources.size === 0) {
      this.#devices.delete(key);
      return { ...viewOf(device), type: "gone" };
    }
    return this.#update(device) ? { ...viewOf(device), type: "moved" } : undefined;
  }

  get(key: string): LanDevice | undefined {
    const device = this.#devices.get(key);
    return device && viewOf(device);
  }

  all(): LanDevice[] {
    return [...this.#devices.values()].map(viewOf);
  }

  /** Puts the addresses of all sources together. @returns whether they have changed */
  #update(device: Device): boolean {
    const newestFirst = [...device.sources.values()].reverse();
    const addresses = [...new Set(newestFirst.flatMap(({ addresses }) => addresses))];
    const changed = addresses.join(" ") !== device.addresses.join(" ");
    device.addresses = addresses;
    return changed;
  }
}

function viewOf({ deviceId, addresses, seenAt }: Device): LanDevice {
  return { deviceId, addresses: [...addresses], via: "lan", seenAt };
}
