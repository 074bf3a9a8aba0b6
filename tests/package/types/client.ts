/** A user's program for the client, to be compiled without the types of the DOM, of Node and of Bun. */
import {
  type Announced,
  type Confirmed,
  Discoverer,
  type DiscovererOptions,
  DiscoveryError,
  LAN_PORT,
  type LanEvent,
  type LookupResult,
  type NodeAddress,
  parseServer,
} from "whereabouts/client";
import { type DeviceAddresses, SyncthingDiscoverer, type SyncthingOptions } from "whereabouts/syncthing";

declare global {
  /** The one type of the runtime that the client's declarations name. */
  interface AbortSignal {
    readonly aborted: boolean;
  }
}

export async function find(nodeId: string, signal: AbortSignal): Promise<NodeAddress | undefined> {
  const options: DiscovererOptions = { group: "app", servers: ["127.0.0.1"], lan: false, lanPort: LAN_PORT, signal };
  await using discoverer = await Discoverer.start(options);
  discoverer.on("moved", ({ ip, port }: LanEvent) => `${ip}:${port.toFixed()}`);
  discoverer.on("announced", ({ where, bytes }: Announced) => where + bytes.toFixed());
  discoverer.on("confirmed", ({ where, port }: Confirmed) => where + port.toFixed());
  discoverer.on("error", (error) => error instanceof DiscoveryError && error.code?.trim());
  for await (const event of discoverer.watch({ signal })) if (event.type === "gone") break;
  const results: LookupResult[] = [];
  for await (const result of discoverer.lookupMany([nodeId], { timeout: 1000 })) results.push(result);
  return results[0]?.address ?? discoverer.lookup(nodeId, { fresh: true, confirm: false, signal });
}

export async function findDevice(deviceId: string, signal: AbortSignal): Promise<DeviceAddresses | undefined> {
  const options: SyncthingOptions = { servers: ["https://127.0.0.1/?insecure"], lan: false, signal };
  await using discoverer = await SyncthingDiscoverer.start(options);
  discoverer.on("moved", ({ addresses, via }) => via + addresses.join());
  discoverer.on("announced", ({ where, address }) => where + address);
  discoverer.on("error", (error) => error instanceof DiscoveryError && error.code?.trim());
  for await (const event of discoverer.watch({ signal })) if (event.type === "gone") break;
  return discoverer.devices()[0] ?? discoverer.lookup(deviceId, { fresh: true, timeout: 1000, signal });
}

export const port: number = parseServer("127.0.0.1").port;
