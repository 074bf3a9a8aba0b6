import type { Endpoint } from "../../../src/syncthing/addresses.ts";
import { parseAddress } from "../../../src/transport/host.ts";

/** Where a request comes from. */
export function source(address: string, port: number): Endpoint {
  const mapped = address.includes(":") ? address : `::ffff:${address}`;
  return { address: Uint8Array.from(parseAddress(mapped).bytes), port };
}
