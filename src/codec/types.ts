import type { PacketErrorCode } from "./error.ts";
import type { PacketFields } from "./fields.ts";

/** Where a node is: what a node says of itself, and what a server answers (docs/protocol.md). */
export interface Announcement {
  readonly type: "announcement";
  /** Any bytes, of any length: not text. */
  readonly nodeId: Uint8Array;
  /** 0 to 65535. */
  readonly port: number;
  /** Network order: 4 bytes (IPv4), 16 (IPv6), or 0, which is "the address that this datagram comes from". */
  readonly ip: Uint8Array;
}

/** The question where a node is. */
export interface Query {
  readonly type: "query";
  /** Any bytes, of any length: not text. */
  readonly nodeId: Uint8Array;
}

export type Packet = Announcement | Query;

/** What decoding gives where it does not throw: the packet, or why there is none and where in the bytes. */
export type DecodeResult =
  | { readonly ok: true; readonly packet: Packet }
  | { readonly ok: false; readonly code: PacketErrorCode; readonly offset: number };

/** WebAssembly or TypeScript: the same answers from either, byte for byte. */
export type CodecBackend = "wasm" | "ts";

export interface CodecOptions {
  /** Which backend; `"auto"`, the default, is `"wasm"` where that can be loaded, else `"ts"`. */
  readonly backend?: CodecBackend | "auto";
}

/**
 * Encodes and decodes the packets of the protocol. Synchronous; keeps nothing between calls, so one does for a program.
 * No method needs its `this`. A `Buffer` is a Uint8Array, and so is a view of a `SharedArrayBuffer`; what such a buffer
 * holds must not change while a method runs.
 *
 * Whatever decoding accepts, encoding writes as the same bytes, but for padding: its content is ignored, and written as zeros.
 */
export interface Codec {
  /** The backend that this codec runs on. */
  readonly backend: CodecBackend;

  /**
   * Decodes one datagram.
   *
   * @param bytes - all of the datagram and no more
   * @returns the packet; its bytes are copies of its own
   * @throws {@link PacketError} if `bytes` are not a packet
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @example
   * const packet = codec.decode(datagram);
   * if (packet.type === "query") answer(packet.nodeId);
   */
  decode(bytes: Uint8Array): Packet;

  /**
   * As {@link decode}, for datagrams that come from strangers: a bad one is a result, not an exception.
   *
   * @param bytes - all of the datagram and no more
   * @returns the packet, its bytes copies of its own, or why there is none
   * @throws {TypeError} if `bytes` is not a Uint8Array; nothing else, whatever they hold
   * @example
   * const result = codec.tryDecode(datagram);
   * if (!result.ok) console.warn(result.code, result.offset);
   */
  tryDecode(bytes: Uint8Array): DecodeResult;

  /**
   * As {@link tryDecode}, for hot paths: copies and allocates nothing, but says where in `bytes` the fields are.
   *
   * @param bytes - all of the datagram and no more
   * @param fields - what to fill in; all of it is overwritten
   * @returns whether `bytes` are a packet
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @example
   * const fields = new PacketFields();
   * if (codec.decodeInto(datagram, fields)) {
   *   const nodeId = datagram.subarray(fields.nodeIdOffset, fields.nodeIdOffset + fields.nodeIdLength);
   * }
   */
  decodeInto(bytes: Uint8Array, fields: PacketFields): boolean;

  /**
   * Decodes many datagrams: on `"wasm"` with one call of the module for up to 64 of them.
   *
   * @param list - the datagrams
   * @returns for each, in their order, what {@link tryDecode} gives
   * @throws {TypeError} if `list` is not an array of Uint8Arrays
   */
  decodeMany(list: readonly Uint8Array[]): DecodeResult[];

  /**
   * Encodes one packet.
   *
   * @param packet - what to write; it is not kept
   * @returns the datagram, in a buffer of its own
   * @throws {TypeError} if a field is of the wrong kind
   * @throws {RangeError} if a field is one that a packet cannot state
   * @example
   * codec.encode({ type: "query", nodeId: new TextEncoder().encode("NODE") });
   */
  encode(packet: Packet): Uint8Array<ArrayBuffer>;

  /**
   * Encodes one packet into `target`; up to 1040 bytes, the longest that a server takes, nothing is allocated. The
   * packet's own bytes may be part of `target`.
   *
   * @param packet - what to write; it is not kept
   * @param target - where to write; bytes before and after the packet stay as they are
   * @param offset - where to begin, in bytes from the start of `target`. Default 0
   * @returns how many bytes were written
   * @throws {TypeError} if a field is of the wrong kind, or `target` is not a Uint8Array
   * @throws {RangeError} if a field is one that a packet cannot state, or the packet does not fit. `target` is then as it was
   * @example
   * const length = codec.encodeInto(packet, buffer);
   * socket.send(buffer.subarray(0, length), port, address);
   */
  encodeInto(packet: Packet, target: Uint8Array, offset?: number): number;

  /**
   * Encodes many packets.
   *
   * @param packets - what to write
   * @returns for each, in their order, what {@link encode} gives
   * @throws {TypeError} if `packets` is not an array, or what {@link encode} throws
   */
  encodeMany(packets: readonly Packet[]): Uint8Array<ArrayBuffer>[];
}
