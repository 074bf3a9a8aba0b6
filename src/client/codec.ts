/**
 * The packets that the client sends and receives. It uses the TypeScript codec without the checks of its arguments and without
 * the wasm module, so that the client is small.
 */
import { locate, write } from "../codec/ts.ts";
import type { Packet } from "../codec/types.ts";
import { padded } from "../codec/words.ts";

/** Finds the fields of a datagram: `decodeInto` of {@link Codec}. */
export const decodeInto = locate;

/** @param nodeId - 1 to 1008 bytes */
export function encodeQuery(nodeId: Uint8Array): Uint8Array {
  return encode({ type: "query", nodeId }, 8 + padded(nodeId.length));
}

/**
 * An announcement without an IP: the receiver takes the source address of the datagram.
 *
 * @param nodeId - 1 to 1008 bytes
 * @param port - 0 to 65535
 */
export function encodeAnnouncement(nodeId: Uint8Array, port: number): Uint8Array {
  return encode({ type: "announcement", nodeId, port, ip: new Uint8Array(0) }, 16 + padded(nodeId.length));
}

function encode(packet: Packet, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  write(packet, size, bytes, 0);
  return bytes;
}
