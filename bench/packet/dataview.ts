/** The codec written by hand with DataView, from docs/protocol.md. */
import type { Packet, PacketFields } from "../../src/codec/index.ts";
import type { PacketContestant } from "./contestant.ts";

const ANNOUNCEMENT = 0x20121025;
const QUERY = 0x19760309;

export const dataView: PacketContestant = { who: "DataView", decode, encode, decodeInto, encodeInto };

function decode(bytes: Uint8Array): Packet {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (length < 8) throw new Error("too short");
  const magic = view.getUint32(0);
  if (magic === QUERY) {
    const idLength = view.getUint32(4);
    if (idLength > length - 8) throw new Error("bad NodeID length");
    if (length !== 8 + idLength + (-idLength & 3)) throw new Error("bad size");
    return { type: "query", nodeId: bytes.slice(8, 8 + idLength) };
  }
  if (magic !== ANNOUNCEMENT) throw new Error("bad magic");
  if (view.getUint16(6) !== 0) throw new Error("bad reserved");
  if (length < 16) throw new Error("too short");
  const idLength = view.getUint32(8);
  if (idLength > length - 16) throw new Error("bad NodeID length");
  const at = 12 + idLength + (-idLength & 3);
  if (at > length - 4) throw new Error("too short");
  const ipLength = view.getUint32(at);
  if (ipLength !== 0 && ipLength !== 4 && ipLength !== 16) throw new Error("bad IP length");
  if (length !== at + 4 + ipLength) throw new Error("bad size");
  return {
    type: "announcement",
    nodeId: bytes.slice(12, 12 + idLength),
    port: view.getUint16(4),
    ip: bytes.slice(at + 4),
  };
}

function encode(packet: Packet): Uint8Array {
  const { nodeId } = packet;
  const padded = nodeId.length + (-nodeId.length & 3);
  const bytes = new Uint8Array(packet.type === "query" ? 8 + padded : 16 + padded + packet.ip.length);
  encodeInto(packet, bytes, 0);
  return bytes;
}

function encodeInto(packet: Packet, target: Uint8Array, offset: number): number {
  const { nodeId } = packet;
  const { length } = nodeId;
  const view = new DataView(target.buffer, target.byteOffset + offset);
  if (packet.type === "query") {
    view.setUint32(0, QUERY);
    view.setUint32(4, length);
    target.set(nodeId, offset + 8);
    return 8 + pad(target, offset + 8, length);
  }
  const { port, ip } = packet;
  view.setUint32(0, ANNOUNCEMENT);
  view.setUint16(4, port);
  view.setUint16(6, 0);
  view.setUint32(8, length);
  target.set(nodeId, offset + 12);
  const at = 12 + pad(target, offset + 12, length);
  view.setUint32(at, ip.length);
  target.set(ip, offset + at + 4);
  return at + 4 + ip.length;
}

/** Writes the padding after the `length` bytes at `at`. Returns the length including the padding. */
function pad(target: Uint8Array, at: number, length: number): number {
  const padded = length + (-length & 3);
  for (let i = length; i < padded; i++) target[at + i] = 0;
  return padded;
}

function decodeInto(bytes: Uint8Array, fields: PacketFields): boolean {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  fields.type = undefined;
  if (length < 8) return false;
  const magic = view.getUint32(0);
  if (magic === QUERY) {
    const idLength = view.getUint32(4);
    if (idLength > length - 8 || length !== 8 + idLength + (-idLength & 3)) return false;
    fields.type = "query";
    fields.nodeIdOffset = 8;
    fields.nodeIdLength = idLength;
    return true;
  }
  if (magic !== ANNOUNCEMENT || length < 16 || view.getUint16(6) !== 0) return false;
  const idLength = view.getUint32(8);
  if (idLength > length - 16) return false;
  const at = 12 + idLength + (-idLength & 3);
  if (at > length - 4) return false;
  const ipLength = view.getUint32(at);
  if ((ipLength !== 0 && ipLength !== 4 && ipLength !== 16) || length !== at + 4 + ipLength) return false;
  fields.type = "announcement";
  fields.port = view.getUint16(4);
  fields.nodeIdOffset = 12;
  fields.nodeIdLength = idLength;
  fields.ipOffset = at + 4;
  fields.ipLength = ipLength;
  return true;
}
