import type { CodecBackend, DecodeResult, Packet } from "../types.ts";

/**
 * The size of a {@link PacketBatch}. Its memory is reserved when it is created and never grows: `bytes`, and 32 bytes for
 * each packet.
 *
 * @example
 * ```ts
 * // For up to 64 datagrams of an Ethernet each.
 * const options: BatchOptions = { packets: 64, bytes: 64 * 1500 };
 * createCodec().batch(options).bytes.length; // => 96000
 * ```
 */
export interface BatchOptions {
  /** The most datagrams at a time. */
  readonly packets: number;
  /** Size of the room for all datagrams, in bytes. */
  readonly bytes: number;
}

/**
 * Decodes and encodes many packets at a time, without an object for each: `decode` writes the fields of all packets to
 * columns, which are arrays with one number per packet. A loop over columns is many times as fast as one over the
 * objects of `decodeMany` (`bun bench --only codec`). Use it for programs that handle datagrams by the thousand: what
 * recvmmsg received, or a capture file.
 *
 * The datagrams are in one room, `bytes`. `fill` copies a receive buffer into it. A program can also receive straight into
 * the room: it writes the datagrams to `bytes`, their places to `offsets` and `lengths`, and their number to `count`.
 * `encode` is the way back, from columns to datagrams. Row `i` of every column belongs to the same packet.
 *
 * A batch keeps its columns and room for ever; no method replaces them or, except for `packet` and `result`, allocates
 * anything. A program needs one batch for each thing that it does at the same time. There is nothing to close.
 *
 * @example
 * ```ts
 * const codec = createCodec();
 * const batch = codec.batch({ packets: 64, bytes: 65536 });
 *
 * // Three datagrams in one buffer, as a capture file has them.
 * const buffer = bytesFromHex("19760309000000044e4f4445" + "2012102555f000000000000000000000" + "dead");
 * batch.fill(buffer, [0, 12, 28], [12, 16, 2]);
 * batch.decode(); // => 2
 *
 * const asked: string[] = [];
 * for (let i = 0; i < batch.count; i++) {
 *   if (batch.status[i] !== PACKET_STATUS.query) continue;
 *   const at = batch.nodeIdOffset[i]!;
 *   const nodeId = batch.bytes.subarray(at, at + batch.nodeIdLength[i]!);
 *   asked.push(nodeIdToText(nodeId) ?? bytesToHex(nodeId));
 * }
 * asked; // => ["NODE"]
 *
 * batch.port[1]; // => 22000
 * batch.result(2); // => { ok: false, code: "short", offset: 2 }
 * ```
 */
export interface PacketBatch {
  /** The backend of this batch. With `"auto"` it can differ from that of the codec, which is for one packet at a time. */
  readonly backend: CodecBackend;
  /**
   * How many rows are in use: the number of datagrams to decode or of packets to encode. `fill` sets it. Set it yourself
   * after you received straight into the room, and before `encode`. A number that is no integer from 0 to the `packets`
   * of the batch is a RangeError.
   */
  count: number;
  /** The room for datagrams. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the datagrams start in `bytes`. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** How many bytes the datagrams have. After `encode`, 0 where a row has no packet. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** What the datagrams are: one of {@link PACKET_STATUS}. From 2 on they are not packets, and their other fields are 0. */
  readonly status: Uint32Array<ArrayBuffer>;
  /** Announcement: 0 to 65535. Query: 0. */
  readonly port: Uint32Array<ArrayBuffer>;
  /** Where the NodeIDs start in `bytes`. */
  readonly nodeIdOffset: Uint32Array<ArrayBuffer>;
  /** How many bytes the NodeIDs have, without padding. */
  readonly nodeIdLength: Uint32Array<ArrayBuffer>;
  /** Announcement: where the IP starts in `bytes`; the end of the datagram if it has none. Query: 0. */
  readonly ipOffset: Uint32Array<ArrayBuffer>;
  /** Announcement: 0, 4 or 16. Query: 0. */
  readonly ipLength: Uint32Array<ArrayBuffer>;

  /**
   * Copies a receive buffer to the start of the room, and the places of its datagrams to `offsets` and `lengths`.
   *
   * @param bytes - the buffer; a view of a SharedArrayBuffer too
   * @param offsets - where each datagram starts in the buffer
   * @param lengths - how many bytes each datagram has
   * @param count - how many datagrams there are, if the arrays are longer. Default `offsets.length`
   * @throws {TypeError} if `bytes` is not a Uint8Array, `offsets` or `lengths` is not an array or typed array, a buffer is
   *   detached, or a value is not a number
   * @throws {RangeError} if the bytes or datagrams are more than the batch has room for, or a value is not an integer from 0
   *   to 2^32 - 1. `decode` checks that the datagrams are inside of the buffer. After a wrong value the batch is empty
   * @example
   * ```ts
   * const batch = createCodec().batch({ packets: 2, bytes: 1024 });
   * // recvmmsg with slots of 512 bytes; it received one datagram.
   * const slots = new Uint8Array(1024);
   * slots.set(bytesFromHex("1976030900000000"));
   * batch.fill(slots, [0, 512], [8, 0], 1);
   * batch.decode(); // => 1
   *
   * batch.fill(new Uint8Array(2000), [], []); // throws RangeError
   * ```
   */
  fill(bytes: Uint8Array, offsets: ArrayLike<number>, lengths: ArrayLike<number>, count?: number): void;

  /**
   * Decodes the datagrams of the first `count` rows: from `offsets` and `lengths` to the other columns.
   *
   * @returns how many of them are packets
   * @throws {RangeError} if a datagram goes beyond the buffer that `fill` copied, or beyond the room. The rows before it
   *   are decoded then
   * @throws {TypeError} if the batch's own buffer was transferred
   * @example
   * ```ts
   * const batch = createCodec().batch({ packets: 64, bytes: 65536 });
   * // Received straight into the room.
   * batch.bytes.set(bytesFromHex("19760309000000044e4f4445"), 2048);
   * batch.offsets[0] = 2048;
   * batch.lengths[0] = 12;
   * batch.count = 1;
   * batch.decode(); // => 1
   * batch.nodeIdOffset[0]; // => 2056
   * ```
   */
  decode(): number;

  /**
   * The packet of a row, as an object.
   *
   * @param row - 0 to `count` - 1
   * @returns the packet; its byte arrays are copies
   * @throws {@link PacketError} if the status of the row is an error
   * @throws {RangeError} if there is no such row, or its columns do not describe a packet in the room
   * @throws {TypeError} if `row` is not a number, or the batch's own buffer was transferred
   * @example
   * ```ts
   * const batch = createCodec().batch({ packets: 64, bytes: 65536 });
   * batch.fill(bytesFromHex("19760309000000044e4f4445"), [0], [12]);
   * batch.decode();
   * batch.packet(0); // => { type: "query", nodeId: nodeIdFromText("NODE") }
   * batch.packet(1); // throws RangeError
   * ```
   */
  packet(row: number): Packet;

  /**
   * The packet of a row as an object, or its error. Call it before the room is filled again: where the error is, it finds
   * in the datagram.
   *
   * @param row - 0 to `count` - 1
   * @returns what `tryDecode` returns for the datagram
   * @throws {RangeError} if there is no such row, or its columns do not describe a packet in the room
   * @throws {TypeError} if `row` is not a number, or the batch's own buffer was transferred
   * @example
   * ```ts
   * const batch = createCodec().batch({ packets: 64, bytes: 65536 });
   * batch.fill(bytesFromHex("197603090000000000"), [0], [9]);
   * batch.decode(); // => 0
   * batch.result(0); // => { ok: false, code: "trailing", offset: 8 }
   * ```
   */
  result(row: number): DecodeResult;

  /**
   * Encodes the packets of the first `count` rows: from the other columns to datagrams in the room, whose places it writes
   * to `offsets` and `lengths`. NodeIDs and IPs must be in the room, such as those of decoded packets. A row whose status
   * is an error gets no datagram: its length is 0. The datagrams follow each other without gaps.
   *
   * @param from - where the first datagram starts, in bytes from the start of the room. If a NodeID or an IP is behind
   *   that, the first datagram starts after the last of them, so that no input is overwritten. Default 0
   * @returns the number of datagrams
   * @throws {RangeError} if a port, the length of an IP or a place is wrong, or the datagrams do not fit. Nothing is written
   *   then
   * @throws {TypeError} if `from` is not a number, or the batch's own buffer was transferred
   * @example
   * ```ts
   * // Answers a query: the announcement has the NodeID of the query, where it is.
   * const batch = createCodec().batch({ packets: 64, bytes: 65536 });
   * batch.fill(bytesFromHex("19760309000000044e4f4445"), [0], [12]);
   * batch.decode();
   *
   * batch.bytes.set(ipFromText("192.0.2.1"), 12);
   * batch.status[0] = PACKET_STATUS.announcement;
   * batch.port[0] = 22000;
   * batch.ipOffset[0] = 12;
   * batch.ipLength[0] = 4;
   * batch.encode(); // => 1
   *
   * const [at, length] = [batch.offsets[0]!, batch.lengths[0]!];
   * bytesToHex(batch.bytes.subarray(at, at + length)); // => "2012102555f00000000000044e4f444500000004c0000201"
   * ```
   */
  encode(from?: number): number;
}
