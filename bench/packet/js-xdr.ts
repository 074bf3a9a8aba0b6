/** The packets with @stellar/js-xdr: a union over the magic number. The port is the upper half of an unsigned int. */
import {
  case as arm,
  enumType,
  field,
  type Infer,
  struct,
  UNBOUNDED_MAX_LENGTH,
  uint32,
  union,
  varOpaque,
} from "@stellar/js-xdr";
import type { Packet } from "../../src/codec/index.ts";
import type { PacketContestant } from "./contestant.ts";

const Magic = enumType("Magic", { announcement: 0x20121025, query: 0x19760309 });
const nodeId = varOpaque(UNBOUNDED_MAX_LENGTH);
const Announcement = struct("Announcement", { port: uint32(), nodeId, ip: varOpaque(16) });
const Wire = union("Packet", {
  switchOn: Magic,
  cases: [
    arm("announcement", Magic.announcement, field("announcement", Announcement)),
    arm("query", Magic.query, field("nodeId", nodeId)),
  ],
});

export const jsXdr: PacketContestant = {
  who: "js-xdr",
  decode(bytes) {
    const packet = Wire.decode(bytes);
    if (packet.type === Magic.query) return { type: "query", nodeId: packet.nodeId };
    const { port, nodeId, ip } = packet.announcement;
    if ((port & 0xffff) !== 0) throw new Error("bad reserved");
    if (ip.length !== 0 && ip.length !== 4 && ip.length !== 16) throw new Error("bad IP length");
    return { type: "announcement", nodeId, port: port >>> 16, ip };
  },
  encode: (packet) => Wire.encode(unionOf(packet)),
};

function unionOf(packet: Packet): Infer<typeof Wire> {
  if (packet.type === "query") return { type: Magic.query, nodeId: packet.nodeId };
  const { nodeId, port, ip } = packet;
  return { type: Magic.announcement, announcement: { port: (port << 16) >>> 0, nodeId, ip } };
}
