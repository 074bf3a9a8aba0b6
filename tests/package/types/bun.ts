/** A user's program for the compiler: client and server, with the types of the DOM instead of Bun's. */
import * as all from "whereabouts";
import { Discoverer, DiscoveryError, type LanNode, type NodeAddress, parseServer } from "whereabouts/client";
import { DEFAULT_PORT, DiscoveryServer, defaultServerOptions, ServerError, type ServerStats } from "whereabouts/server";

export async function find(nodeId: string): Promise<NodeAddress | undefined> {
  await using discoverer = await Discoverer.start({ nodeId, servers: ["127.0.0.1"], lan: false });
  discoverer.on("node", ({ ip, port }: LanNode) => `${ip}:${port.toFixed()}`);
  discoverer.on("error", (error: Error) => error instanceof DiscoveryError);
  return discoverer.lookup(nodeId, { timeout: 1000, signal: AbortSignal.timeout(1000) });
}

export async function serve(): Promise<ServerStats | string | undefined> {
  try {
    await using server = await DiscoveryServer.start({ ...defaultServerOptions(), port: DEFAULT_PORT });
    return server.stats();
  } catch (error) {
    return error instanceof ServerError ? error.code : undefined;
  }
}

export const address = parseServer("127.0.0.1");
export const same: typeof Discoverer = all.Discoverer;
export const codec: "wasm" | "ts" = all.createCodec().backend;
export const word: number = all.xdr.decode(new Uint8Array(4), (r) => r.uint());
