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

export const port: number = parseServer("127.0.0.1").port;
