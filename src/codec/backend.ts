import type { PacketFields } from "./fields.ts";
import type { CodecBackend, DecodeResult, Packet } from "./types.ts";

/** What the two backends do each in its own way. What they are given has been checked. */
export interface Backend {
  readonly name: CodecBackend;
  /** Finds the fields of `bytes`; gives whether they are a packet. */
  judge(bytes: Uint8Array, fields: PacketFields): boolean;
  judgeMany(list: readonly Uint8Array[]): DecodeResult[];
  /** Writes `packet` at `at` of `target`, where there is room; it may be made of views of `target`. */
  write(packet: Packet, target: Uint8Array, at: number): void;
}
