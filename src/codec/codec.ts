import type { PacketFields } from "./fields.ts";
import type { DecodeResult, Packet } from "./types.ts";

/** WebAssembly or TypeScript: the same answers from either, byte for byte. */
export type CodecBackend = "wasm" | "ts";

/**
 * How a codec is set up. Which backend is the faster one depends on where packets lie (`bun bench --only codec`): for a
 * Uint8Array of JavaScript's it is `"ts"` in most cases, since `"wasm"` copies it into the module's memory first. WebAssembly
 * is ahead where packets are in its memory already: there a program can drive the bare module (docs/codec-wasm.md).
 *
 * @example
 * ```ts
 * // Where packets lie in JavaScript's own memory, copying them into WebAssembly may take longer than decoding them.
 * const options: CodecOptions = { backend: "ts" };
 * createCodec(options).backend; // => "ts"
 * ```
 */
export interface CodecOptions {
  /** Which backend; `"auto"`, the default, is `"wasm"` where that can be loaded, else `"ts"`. */
  readonly backend?: CodecBackend | "auto";
}

/**
 * Encodes and decodes the packets of the protocol. Synchronous; keeps nothing between calls, so one does for a program.
 * No method needs its `this`. A `Buffer` is a Uint8Array, and so is a view of a `SharedArrayBuffer`; what such a buffer
 * holds must not change while a method runs. A view that has lost its bytes, because its buffer was transferred or has shrunk, is
 * a TypeError wherever bytes are taken, and not taken for empty.
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
   * ```ts
   * const codec = createCodec();
   * const packet = codec.decode(bytesFromHex("2012102555f00000000000044e4f444500000004c0000201"));
   * packet.type; // => "announcement"
   * if (packet.type === "announcement") {
   *   packet.port; // => 22000
   *   ipToText(packet.ip); // => "192.0.2.1"
   * }
   *
   * codec.decode(new Uint8Array(3)); // throws PacketError
   * ```
   */
  decode(bytes: Uint8Array): Packet;

  /**
   * As {@link decode}, for datagrams that come from strangers: a bad one is a result, not an exception.
   *
   * @param bytes - all of the datagram and no more
   * @returns the packet, its bytes copies of its own, or why there is none
   * @throws {TypeError} if `bytes` is not a Uint8Array; nothing else, whatever they hold
   * @example
   * ```ts
   * const codec = createCodec();
   * const datagram = codec.encode({ type: "query", nodeId: nodeIdFromText("NODE") });
   * const result = codec.tryDecode(datagram);
   * if (result.ok) {
   *   nodeIdToText(result.packet.nodeId); // => "NODE"
   * }
   *
   * codec.tryDecode(datagram.subarray(0, 10)); // => { ok: false, code: "bad-id-length", offset: 4 }
   * ```
   */
  tryDecode(bytes: Uint8Array): DecodeResult;

  /**
   * As {@link tryDecode}, for hot paths: says where in `bytes` the fields are, and allocates nothing. On `"ts"` it copies
   * nothing either; on `"wasm"` the datagram is copied into the module's memory, which grows for one that is longer than it.
   *
   * @param bytes - all of the datagram and no more
   * @param fields - what to fill in; all of it is overwritten
   * @returns whether `bytes` are a packet
   * @throws {TypeError} if `bytes` is not a Uint8Array, or `fields` not an object
   * @example
   * ```ts
   * const codec = createCodec();
   * const fields = new PacketFields(); // one for all datagrams
   *
   * const datagram = bytesFromHex("19760309000000044e4f4445");
   * codec.decodeInto(datagram, fields); // => true
   * const { type, nodeIdOffset, nodeIdLength } = fields;
   * [type, nodeIdOffset, nodeIdLength]; // => ["query", 8, 4]
   *
   * codec.decodeInto(new Uint8Array(3), fields); // => false
   * fields.code; // => "short"
   * ```
   */
  decodeInto(bytes: Uint8Array, fields: PacketFields): boolean;

  /**
   * Decodes many datagrams: on `"wasm"` with one call of the module for up to 64 of them.
   *
   * @param list - the datagrams
   * @returns for each, in their order, what {@link tryDecode} gives
   * @throws {TypeError} if `list` is not an array of Uint8Arrays; nothing else, whatever they hold
   * @example
   * ```ts
   * const codec = createCodec();
   * const good = codec.encode({ type: "query", nodeId: nodeIdFromText("NODE") });
   * const results = codec.decodeMany([good, new Uint8Array(0), good]);
   * results.map(({ ok }) => ok); // => [true, false, true]
   * ```
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
   * ```ts
   * const codec = createCodec();
   * const query = codec.encode({ type: "query", nodeId: nodeIdFromText("NODE") });
   * bytesToHex(query); // => "19760309000000044e4f4445"
   *
   * // What a node says of itself: "I am where this datagram comes from."
   * codec.encode({ type: "announcement", nodeId: nodeIdFromText("NODE"), port: 22000, ip: new Uint8Array(0) });
   *
   * codec.encode({ type: "query", nodeId: new Uint8Array(0) }).length; // => 8
   * ```
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
   * ```ts
   * const codec = createCodec();
   * const buffer = new Uint8Array(1040); // one for all packets
   * codec.encodeInto({ type: "query", nodeId: nodeIdFromText("NODE") }, buffer); // => 12
   * bytesToHex(buffer.subarray(0, 12)); // => "19760309000000044e4f4445"
   *
   * codec.encodeInto({ type: "query", nodeId: nodeIdFromText("NODE") }, buffer, 1030); // throws RangeError
   * ```
   */
  encodeInto(packet: Packet, target: Uint8Array, offset?: number): number;

  /**
   * Encodes many packets.
   *
   * @param packets - what to write
   * @returns for each, in their order, what {@link encode} gives
   * @throws {TypeError} if `packets` is not an array, or what {@link encode} throws
   * @example
   * ```ts
   * const nodeIds = ["NODE-A", "NODE-B"].map(nodeIdFromText);
   * const queries = createCodec().encodeMany(nodeIds.map((nodeId) => ({ type: "query", nodeId })));
   * queries.map(({ length }) => length); // => [16, 16]
   * ```
   */
  encodeMany(packets: readonly Packet[]): Uint8Array<ArrayBuffer>[];
}
