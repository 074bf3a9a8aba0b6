/** Random packets for property tests, and an encoder for them that is independent of the codec. */
import fc from "fast-check";
import type { Packet } from "../../src/codec/index.ts";
import { announcement, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

/** Mostly short ones with all lengths modulo 4, and some that are longer than a page of wasm memory. */
const nodeIds = fc.oneof(
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 80, size: "max" }) },
  { weight: 5, arbitrary: fc.integer({ min: 81, max: 3000 }).map((length) => new Random(length).bytes(length)) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 140_000 }).map((length) => new Random(length).bytes(length)) },
);

const ips = fc.constantFrom(0, 4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));

const ports = fc.oneof(fc.nat(65535), fc.constantFrom(0, 1, 255, 256, 32767, 32768, 65535));

export const packets: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ type: fc.constant("query" as const), nodeId: nodeIds }),
  fc.record({ type: fc.constant("announcement" as const), nodeId: nodeIds, port: ports, ip: ips }),
);

/** Encodes a packet without the codec. */
export function encoded(packet: Packet): Uint8Array<ArrayBuffer> {
  return packet.type === "query" ? query(packet.nodeId) : announcement(packet.nodeId, packet.port, packet.ip);
}
