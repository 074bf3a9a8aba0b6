/** Local discovery v4 of Syncthing: every device announces itself by broadcast and multicast, and hears the others. */
import { DiscoveryError } from "../../client/error.ts";
import { Beacon, type BeaconOptions } from "../../client/lan/beacon.ts";
import { nodeIdKey } from "../../client/node-id.ts";
import type { LanNode } from "../../client/types.ts";
import type { DeviceEvent, LanDevice } from "../discoverer/types.ts";
import { dialableAddresses } from "./addresses.ts";
import { decodeAnnouncement } from "./codec.ts";
import { Devices } from "./devices.ts";

/** The multicast group of announcements by IPv6; its scope is link-local. */
const GROUP = "ff12::8384";

/** Counts of datagrams on the LAN's port. `received` is the sum of the others. */
export interface SyncthingLanCounters {
  received: number;
  /** Of other devices. */
  announcements: number;
  /** All others: own ones, those from other networks, those beyond the table's room, and whatever is no announcement. */
  ignored: number;
}

export interface SyncthingLanOptions extends Omit<BeaconOptions, "multicast" | "oneFamily" | "hello"> {
  /** The own device ID, whose announcements are ignored. */
  readonly ownId: Uint8Array | undefined;
  onEvent(event: DeviceEvent): void;
  /** Called for each announcement of another device, also of one that is known. @param key - `nodeIdKey` of its ID */
  onHeard(key: string): void;
}

/** The discoverer goes on without one family, so its user need not end the other program. */
function portInUse(port: number, cause: DiscoveryError): DiscoveryError {
  const family = cause.message.includes("IPv6") ? "IPv6" : "IPv4";
  const message = `${family} is not used as long as another program has UDP port ${port}, such as a Syncthing on this host`;
  return new DiscoveryError("lan", message, { code: "EADDRINUSE", cause });
}

export class SyncthingLan extends Beacon {
  readonly counters: SyncthingLanCounters = { received: 0, announcements: 0, ignored: 0 };
  readonly #options: SyncthingLanOptions;
  readonly #ownKey: string | undefined;
  readonly #devices = new Devices();

  constructor(options: SyncthingLanOptions) {
    // A Syncthing on the same host does not share the port for IPv4, and both can still hear each other by IPv6.
    super({
      ...options,
      multicast: GROUP,
      oneFamily: true,
      hello: undefined,
      onError: (error) => options.onError(error.code === "EADDRINUSE" ? portInUse(options.port, error) : error),
    });
    this.#options = options;
    this.#ownKey = options.ownId && nodeIdKey(options.ownId);
  }

  /** @param key - `nodeIdKey` of the ID */
  get(key: string): LanDevice | undefined {
    return this.#devices.get(key);
  }

  devices(): LanDevice[] {
    return this.#devices.all();
  }

  protected receive(datagram: Buffer, source: string): void {
    this.counters[this.#hear(datagram, source) ? "announcements" : "ignored"]++;
    this.counters.received++;
  }

  protected gone({ nodeId, ip }: LanNode): void {
    const event = this.#devices.forget(nodeIdKey(nodeId), ip);
    if (event !== undefined) this.#options.onEvent(event);
  }

  /** @returns whether it was an announcement of another device of this LAN, and there was room for it */
  #hear(datagram: Buffer, source: string): boolean {
    const now = performance.now();
    if (!this.believes(source, now)) return false;
    const announcement = decodeAnnouncement(datagram);
    if (announcement === undefined) return false;
    const { id, instance } = announcement;
    const key = nodeIdKey(id);
    if (key === this.#ownKey || !this.#devices.hasRoom(key, source)) return false;

    // An entry for each source of a device: it expires there if it is not heard from there again.
    const entry = key + source;
    const seenAt = Date.now();
    const known = this.table.update(entry, source, 0, now, seenAt) ?? this.table.add(entry, id, source, 0, now, seenAt);
    if (known === "full") return false;
    const addresses = dialableAddresses(announcement.addresses, source);
    const { event, restarted } = this.#devices.heard(key, id, source, { addresses, instance }, seenAt);
    if (restarted) this.answer(now);
    this.#options.onHeard(key);
    if (event !== undefined) this.#options.onEvent(event);
    return true;
  }
}
