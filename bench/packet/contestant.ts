import type { BatchOptions, DecodeResult, Packet, PacketBatch, PacketFields } from "../../src/codec/index.ts";

/** A codec for the packets of the protocol. */
export interface PacketContestant {
  readonly who: string;
  /** Throws any error for invalid input. */
  decode(bytes: Uint8Array): Packet;
  encode(packet: Packet): Uint8Array;
  /** Missing if the contestant only throws for invalid input. */
  readonly tryDecode?: (bytes: Uint8Array) => DecodeResult;
  /** Missing if the contestant cannot decode into an existing object, or encode into an existing array. */
  readonly decodeInto?: (bytes: Uint8Array, fields: PacketFields) => boolean;
  readonly encodeInto?: (packet: Packet, target: Uint8Array, offset: number) => number;
  /** Missing if the contestant has no batch functions. The bench then calls `decode` and `encode` in a loop. */
  readonly decodeMany?: (list: readonly Uint8Array[]) => readonly unknown[];
  readonly encodeMany?: (packets: readonly Packet[]) => readonly Uint8Array[];
  /** Missing if the contestant has no columns. */
  readonly batch?: (options: BatchOptions) => PacketBatch;
}
