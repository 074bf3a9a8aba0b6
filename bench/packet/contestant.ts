import type { Packet, PacketFields } from "../../src/codec/index.ts";

/** A way to decode and to encode the packets of the protocol: any error of `decode` is a refusal. */
export interface PacketContestant {
  readonly who: string;
  decode(bytes: Uint8Array): Packet;
  encode(packet: Packet): Uint8Array;
  /** One way only that tells where the fields are, and one that writes into bytes that are there already. */
  readonly decodeInto?: (bytes: Uint8Array, fields: PacketFields) => boolean;
  readonly encodeInto?: (packet: Packet, target: Uint8Array, offset: number) => number;
  /** Those who have no way of their own to do many at once do one after the other. */
  readonly decodeMany?: (list: readonly Uint8Array[]) => readonly unknown[];
  readonly encodeMany?: (packets: readonly Packet[]) => readonly Uint8Array[];
}
