import type { BatchOptions, PacketBatch } from "./batch/batch.ts";
import type { PacketFields } from "./fields.ts";
import type { CodecBackend, DecodeResult, Packet } from "./types.ts";

/**
 * Options of `createCodec`. Which backend is faster depends on where the packets are (`bun bench --only codec`). For a
 * Uint8Array in JavaScript's memory it is `"ts"`, since `"wasm"` first copies the packet into the module's memory. For
 * packets that are in that memory already, those of a {@link PacketBatch}, it is `"wasm"`.
 *
 * @example
 * ```ts
 * const options: CodecOptions = { backend: "auto" }; // the default
 * const codec = createCodec(options);
 * codec.backend; // => "ts"
 * codec.batch({ packets: 64, bytes: 65536 }).backend; // => "wasm"
 * ```
 */
export interface CodecOptions {
  /**
   * The backend. `"auto"`, the default, is the faster one for each operation: `"ts"` for single packets, and for batches
   * `"wasm"` if that can be loaded, else `"ts"`.
   */
  readonly backend?: CodecBackend | "auto";
}

/**
 * Encodes and decodes the packets of the protocol. All methods are synchronous. A codec keeps no state between calls,
 * so a program needs only one. The methods do not use `this`, so they can be passed around as functions.
 *
 * Bytes may be a `Buffer`, or a view of a `SharedArrayBuffer` whose content does not change while a method runs. A view
 * whose buffer was transferred, or shrank below it, is a TypeError in every method, not an empty input.
 *
 * Encoding a decoded packet gives the same bytes again, except for padding: decoding ignores its content, and encoding
 * writes zeros.
 */
export interface Codec {
  /** The backend of this codec's own methods. A batch has a `backend` of its own: with `"auto"` they can differ. */
  readonly backend: CodecBackend;

  /**
   * Decodes one datagram.
   *
   * @param bytes - the whole datagram and nothing else
   * @returns the packet; its byte arrays are copies
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
   * Decodes one datagram without throwing for a malformed one. Use it for datagrams from the network.
   *
   * @param bytes - the whole datagram and nothing else
   * @returns the packet, whose byte arrays are copies, or an error code and its offset
   * @throws {TypeError} if `bytes` is not a Uint8Array. No content of `bytes` makes it throw
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
   * Finds the fields of a datagram without allocating anything, for hot paths. On `"ts"` it copies nothing either. On
   * `"wasm"` it copies the datagram into the module's memory, which grows if the datagram does not fit.
   *
   * @param bytes - the whole datagram and nothing else
   * @param fields - receives the offsets and lengths of the fields, or the error; all of it is overwritten
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
   * Decodes many datagrams. On `"wasm"`, one call of the module decodes up to 64 of them.
   *
   * @param list - the datagrams
   * @returns the result of {@link tryDecode} for each, in the same order
   * @throws {TypeError} if `list` is not an array of Uint8Arrays. No content of the datagrams makes it throw
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
   * @param packet - the packet; the codec keeps no reference to it
   * @returns the datagram, in a buffer of its own
   * @throws {TypeError} if a field has the wrong type
   * @throws {RangeError} if the value of a field does not fit into a packet
   * @example
   * ```ts
   * const codec = createCodec();
   * const query = codec.encode({ type: "query", nodeId: nodeIdFromText("NODE") });
   * bytesToHex(query); // => "19760309000000044e4f4445"
   *
   * // A node announces itself with an empty IP: "my address is the source of this datagram".
   * codec.encode({ type: "announcement", nodeId: nodeIdFromText("NODE"), port: 22000, ip: new Uint8Array(0) });
   *
   * codec.encode({ type: "query", nodeId: new Uint8Array(0) }).length; // => 8
   * ```
   */
  encode(packet: Packet): Uint8Array<ArrayBuffer>;

  /**
   * Encodes one packet into `target`. It allocates nothing for packets of up to 1040 bytes, the longest that a server
   * accepts. The packet's byte arrays may be views of `target`.
   *
   * @param packet - the packet; the codec keeps no reference to it
   * @param target - receives the datagram; bytes before and after it stay unchanged
   * @param offset - where the datagram starts, in bytes from the start of `target`. Default 0
   * @returns the number of bytes written
   * @throws {TypeError} if a field has the wrong type, or `target` is not a Uint8Array
   * @throws {RangeError} if the value of a field does not fit into a packet, or the packet does not fit into `target`.
   *   `target` is then unchanged
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
   * @param packets - the packets
   * @returns the datagram of each, in the same order
   * @throws {TypeError} if `packets` is not an array, or a field has the wrong type
   * @throws {RangeError} if the value of a field does not fit into a packet
   * @example
   * ```ts
   * const nodeIds = ["NODE-A", "NODE-B"].map(nodeIdFromText);
   * const queries = createCodec().encodeMany(nodeIds.map((nodeId) => ({ type: "query", nodeId })));
   * queries.map(({ length }) => length); // => [16, 16]
   * ```
   */
  encodeMany(packets: readonly Packet[]): Uint8Array<ArrayBuffer>[];

  /**
   * Creates a batch: decodes and encodes many packets at a time, with one array for each field instead of one object for
   * each packet.
   *
   * @param options - how many packets and bytes the batch has room for
   * @returns a batch with memory of its own
   * @throws {TypeError} if `options` is not an object or has an unknown key, or a number is missing
   * @throws {RangeError} if a number is not an integer, or there is no memory for a batch of that size
   * @example
   * ```ts
   * const batch = createCodec().batch({ packets: 64, bytes: 65536 });
   * batch.fill(bytesFromHex("2012102555f000000000000000000000"), [0], [16]);
   * batch.decode(); // => 1
   * batch.port[0]; // => 22000
   * ```
   */
  batch(options: BatchOptions): PacketBatch;
}
