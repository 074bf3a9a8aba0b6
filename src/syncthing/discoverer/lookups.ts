/** Lookups of devices: first on the LAN, then in the cache, then on all servers at once. */
import { onAbort } from "../../client/abort.ts";
import { nodeIdKey } from "../../client/node-id.ts";
import { MAX_TIMER_MS } from "../../client/timers.ts";
import { withResolvers } from "../../client/with-resolvers.ts";
import { formatDeviceId } from "../device-id.ts";
import type { SyncthingLan } from "../local/lan.ts";
import type { DeviceLookupSettings } from "./options.ts";
import { type OnResult, Search } from "./search.ts";
import type { ServerLookups } from "./server-lookups.ts";
import type { DeviceAddresses } from "./types.ts";

const CLOSED = "the discoverer is closed";
/** So long after the start, in ms, all devices of the LAN have answered to the first announcement: Syncthing does it at once. */
const LAN_ANSWER_MS = 2_000;

export class Lookups {
  readonly #servers: readonly ServerLookups[];
  #lan: SyncthingLan | undefined;
  #lanUntil: number | undefined;
  readonly #running = new Map<string, Search>();
  #closed = false;

  constructor(servers: readonly ServerLookups[]) {
    this.#servers = servers;
  }

  /** Is called when the LAN is open. @param announces - whether the own device was announced there */
  useLan(lan: SyncthingLan, announces: boolean): void {
    this.#lan = lan;
    this.#lanUntil = performance.now() + (announces ? LAN_ANSWER_MS : 0);
  }

  /**
   * @param id - 32 bytes
   * @throws {DiscoveryError} if no server can be reached, or none has answered in time; the signal's reason if it is aborted; {Error} if closed
   */
  async one(id: Uint8Array, { timeout, signal, fresh }: DeviceLookupSettings): Promise<DeviceAddresses | undefined> {
    signal?.throwIfAborted();
    if (this.#closed) throw new Error(CLOSED);
    if (this.#servers.length === 0 && this.#lan === undefined) {
      throw new Error("there is nobody to ask: no servers and no LAN");
    }
    const key = nodeIdKey(id);
    const deviceId = formatDeviceId(id);
    const known = fresh ? undefined : (this.#onLan(key) ?? this.#cached(deviceId));
    if (known !== undefined) return known;

    const { promise, resolve, reject } = withResolvers<DeviceAddresses | undefined>();
    const onResult: OnResult = (found, error) => {
      const result = found ?? (this.#closed ? undefined : this.#onLan(key));
      if (result !== undefined || error === undefined) resolve(result);
      else reject(error);
    };
    const search = this.#searchFor(key, id, deviceId);
    search.join(onResult, fresh);
    const forgetSignal = onAbort(signal, () => {
      reject(signal?.reason);
      search.leave(onResult);
    });
    const timer = setTimeout(
      () => {
        onResult(undefined, search.errorAfter(timeout));
        search.leave(onResult);
      },
      Math.min(timeout, MAX_TIMER_MS),
    ).unref();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      forgetSignal();
    }
  }

  /** Finishes the lookups of a device that announced itself on the LAN. */
  heardOnLan(key: string): void {
    const search = this.#running.get(key);
    const found = search && this.#onLan(key);
    if (found !== undefined) search!.end(found);
  }

  /** Rejects all lookups. */
  close(): void {
    this.#closed = true;
    for (const search of [...this.#running.values()]) search.end(undefined, new Error(CLOSED));
  }

  #searchFor(key: string, id: Uint8Array, deviceId: string): Search {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const search = new Search({
      id,
      deviceId,
      servers: this.#servers,
      lanUntil: this.#lanUntil,
      onEnd: () => this.#running.delete(key),
    });
    this.#running.set(key, search);
    return search;
  }

  #cached(deviceId: string): DeviceAddresses | undefined {
    for (const server of this.#servers) {
      const answer = server.cached(deviceId);
      if (answer !== undefined && answer !== "unknown") return answer;
    }
    return undefined;
  }

  /** A device without addresses, which only says that it is there, counts as unknown. */
  #onLan(key: string): DeviceAddresses | undefined {
    const device = this.#lan?.get(key);
    return device !== undefined && device.addresses.length > 0 ? device : undefined;
  }
}
