import type { Endpoint } from "../../../src/syncthing/addresses.ts";
import { parseAddress } from "../../../src/transport/host.ts";

/** Where a request comes from. */
export function source(address: string, port: number): Endpoint {
  return { address: Uint8Array.from(parseAddress(address).bytes), port };
}
