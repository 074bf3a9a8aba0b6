/** The packets with micro-packed. It decodes bytes as views of the input, and copies nothing. */
import * as P from "micro-packed";
import type { PacketContestant } from "./contestant.ts";

const opaque = P.padRight(4, P.bytes(P.U32BE), P.ZeroPad);
const address = P.validate(opaque, (value) => {
  if (value.length !== 0 && value.length !== 4 && value.length !== 16) throw new Error("bad IP length");
  return value;
});
const wire = P.mappedTag(P.U32BE, {
  announcement: [0x20121025, P.struct({ port: P.U16BE, reserved: P.magic(P.U16BE, 0), nodeId: opaque, ip: address })],
  query: [0x19760309, P.struct({ nodeId: opaque })],
});

export const microPacked: PacketContestant = {
  who: "micro-packed",
  decode(bytes) {
    const { TAG, data } = wire.decode(bytes);
    if (TAG === "query") return { type: "query", nodeId: data.nodeId };
    return { type: "announcement", nodeId: data.nodeId, port: data.port, ip: data.ip };
  },
  encode(packet) {
    const { nodeId } = packet;
    if (packet.type === "query") return wire.encode({ TAG: "query", data: { nodeId } });
    const { port, ip } = packet;
    return wire.encode({ TAG: "announcement", data: { nodeId, port, ip } });
  },
};
