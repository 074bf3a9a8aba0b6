import type { CodecBackend } from "./codec.ts";
import type { PacketFields } from "./fields.ts";
import type { DecodeResult, Packet } from "./types.ts";

/** What the two backends do each in its own way. What they are given has been checked. */
export interface Backend {
  readonly name: CodecBackend;
  /** The packet that `bytes` are, or the status that says why they are none. */
  decode(bytes: Uint8Array): Packet | number;
  decodeMany(list: readonly Uint8Array[]): DecodeResult[];
  /** Finds the fields of `bytes`; gives whether they are a packet. */
  locate(bytes: Uint8Array, fields: PacketFields): boolean;
  /** `packet` in bytes of its own, of which it takes `size`. */
  encode(packet: Packet, size: number): Uint8Array<ArrayBuffer>;
  /** Writes `packet`, of `size` bytes, at `at` of `target`, where there is room; it may be made of views of `target`. */
  write(packet: Packet, size: number, target: Uint8Array, at: number): void;
}
