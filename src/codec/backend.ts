import type { PacketFields } from "./fields.ts";
import type { CodecBackend, DecodeResult, Packet } from "./types.ts";

/** The operations that wasm and TypeScript implement differently. Their arguments have been checked by the caller. */
export interface Backend {
  readonly name: CodecBackend;
  /** Returns the packet, or a status above STATUS_QUERY if `bytes` are not a packet. */
  decode(bytes: Uint8Array): Packet | number;
  decodeMany(list: readonly Uint8Array[]): DecodeResult[];
  /** Fills in `fields` from `bytes`. Returns whether `bytes` are a packet. */
  locate(bytes: Uint8Array, fields: PacketFields): boolean;
  /** Encodes `packet` into a new array of `size` bytes, its encoded size. */
  encode(packet: Packet, size: number): Uint8Array<ArrayBuffer>;
  /**
   * Writes `packet` into `target` from `at` on, where there is room for its `size` bytes. The packet's own bytes may be
   * views of `target`.
   */
  write(packet: Packet, size: number, target: Uint8Array, at: number): void;
}
