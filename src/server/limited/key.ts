/** Keys of limits: the source, the network or the NodeID whose packets exceed a limit. */
import { LIMITER_TABLES, type LimitName } from "../../engine/index.ts";
import type { Limited } from "../inspect.ts";
import { formatNetwork } from "../network.ts";
import type { LimitedPacket } from "./sample.ts";

/** What all packets of one key have in common. */
export type Key = Pick<Limited, "kind" | "network" | "nodeId" | "limit" | "option">;

const OPTIONS = { queries: "sourceRate", announcements: "sourceRate", new: "newRate", node: "nodeRate" } as const;

/** The first bytes of an IPv4 address. */
const IPV4_MAPPED = Buffer.from("00000000000000000000ffff", "hex").toString("latin1");
/** Prefix lengths of sources and networks, IPv4 as ::ffff:a.b.c.d. */
const PREFIXES = { ipv4: { source: 128, network: 120 }, ipv6: { source: 64, network: 48 } } as const;

/** A text for the key of a packet: no other key has the same. Each character stands for a byte. */
export function keyText(packet: LimitedPacket): string {
  const prefix = prefixOf(packet);
  const network = latin1(packet.address, prefix / 8);
  return String.fromCharCode(packet.limit, prefix) + network + latin1(packet.nodeId, packet.nodeId.length);
}

/** The key of a packet. The NodeID is that of the packet, not a copy. */
export function keyOf(packet: LimitedPacket): Key {
  const kind = kindOf(packet.limit);
  const limit: LimitName = LIMITER_TABLES[packet.limit]!.limit;
  return {
    kind,
    network: kind === "node" ? undefined : formatNetwork({ address: packet.address, prefix: prefixOf(packet) }),
    nodeId: limit === "node" ? packet.nodeId : undefined,
    limit,
    option: OPTIONS[limit],
  };
}

function kindOf(limit: number): Limited["kind"] {
  const key = LIMITER_TABLES[limit]?.key;
  return key === "source" || key === "node" ? key : "network";
}

/** The number of bits of the address that belong to the key. */
function prefixOf({ limit, address }: LimitedPacket): number {
  const kind = kindOf(limit);
  if (kind === "node") return 0;
  return PREFIXES[latin1(address, IPV4_MAPPED.length) === IPV4_MAPPED ? "ipv4" : "ipv6"][kind];
}

function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
}
