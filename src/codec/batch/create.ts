import { REFUSED, STATUS_QUERY } from "../../../assembly/layout.ts";
import { checkObject, refuse } from "../../xdr/check.ts";
import { checkKeys } from "../../xdr/keys.ts";
import { checkInput } from "../check.ts";
import { copyOf } from "../copy.ts";
import { errorCode, errorOffset, PacketError } from "../error.ts";
import type { CodecBackend, DecodeResult, Packet } from "../types.ts";
import type { BatchOptions, PacketBatch } from "./batch.ts";
import { checkError, checkFields, checkNumbers, refuseDatagrams, refuseFields } from "./check.ts";
import { type Columns, columnsSize } from "./columns.ts";
import type { BatchEngine, CreateEngine } from "./engine.ts";

/** Addresses in WebAssembly have 32 bits. */
const MAX_SIZE = 2 ** 32;

export function createBatch(options: BatchOptions, createEngine: CreateEngine): PacketBatch {
  checkObject("options", options);
  checkKeys("options", options, ["packets", "bytes"]);
  const { packets, bytes } = options;
  const max = MAX_SIZE - columnsSize(1);
  checkInteger("packets", packets, 1, max);
  checkInteger("bytes", bytes, 1, max);
  if (columnsSize(packets) + bytes > MAX_SIZE) {
    throw new RangeError(
      `packets and bytes: a batch has at most 4 GiB, ${columnsSize(1)} bytes for each packet included`,
    );
  }
  try {
    return new Batch(createEngine(packets, bytes));
  } catch (cause) {
    throw new RangeError(`there is no memory for a batch of ${packets} packets and ${bytes} bytes (${cause})`, {
      cause,
    });
  }
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    refuse(name, value, "number", `an integer, ${min} to ${max}`);
  }
}

class Batch implements PacketBatch {
  readonly backend: CodecBackend;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
  readonly status: Uint32Array<ArrayBuffer>;
  readonly port: Uint32Array<ArrayBuffer>;
  readonly nodeIdOffset: Uint32Array<ArrayBuffer>;
  readonly nodeIdLength: Uint32Array<ArrayBuffer>;
  readonly ipOffset: Uint32Array<ArrayBuffer>;
  readonly ipLength: Uint32Array<ArrayBuffer>;
  readonly #engine: BatchEngine;
  /** Size of the room. */
  readonly #size: number;
  /** Where datagrams must end: at the end of what was filled in, or of the room. */
  #end: number;
  #count = 0;

  constructor(engine: BatchEngine) {
    const { columns } = engine;
    this.backend = engine.name;
    this.bytes = columns.bytes;
    this.offsets = columns.offsets;
    this.lengths = columns.lengths;
    this.status = columns.status;
    this.port = columns.port;
    this.nodeIdOffset = columns.nodeIdOffset;
    this.nodeIdLength = columns.nodeIdLength;
    this.ipOffset = columns.ipOffset;
    this.ipLength = columns.ipLength;
    this.#engine = engine;
    this.#size = columns.bytes.length;
    this.#end = this.#size;
  }

  get count(): number {
    return this.#count;
  }

  set count(count: number) {
    checkInteger("count", count, 0, this.status.length);
    this.#count = count;
    this.#end = this.#size;
  }

  fill(bytes: Uint8Array, offsets: ArrayLike<number>, lengths: ArrayLike<number>, count?: number): void {
    checkInput("bytes", bytes);
    checkNumbers("offsets", offsets);
    checkNumbers("lengths", lengths);
    const used = count ?? offsets.length;
    this.#checkRoom(bytes, offsets, lengths, used);
    // If a value is wrong, the columns belong to no batch.
    this.#count = 0;
    copyColumn("offsets", offsets, this.offsets, used);
    copyColumn("lengths", lengths, this.lengths, used);
    this.bytes.set(bytes);
    this.#count = used;
    this.#end = bytes.length;
  }

  decode(): number {
    this.#checkAttached();
    const good = this.#engine.decode(this.#end, this.#count);
    if (good === REFUSED) refuseDatagrams(this.#engine.columns, this.#count, this.#end);
    return good;
  }

  packet(row: number): Packet {
    const result = this.result(row);
    if (!result.ok) throw new PacketError(result.code, result.offset);
    return result.packet;
  }

  result(row: number): DecodeResult {
    this.#checkAttached();
    if (!(Number.isInteger(row) && row >= 0 && row < this.#count)) {
      refuse("row", row, "number", `an integer, 0 to count - 1, ${this.#count - 1}`);
    }
    return resultAt(this.#engine.columns, row);
  }

  encode(from = 0): number {
    this.#checkAttached();
    checkInteger("from", from, 0, this.#size);
    const good = this.#engine.encode(this.#count, from);
    if (good === REFUSED) refuseFields(this.#engine.columns, this.#count, from);
    this.#end = this.#size;
    return good;
  }

  #checkRoom(bytes: Uint8Array, offsets: ArrayLike<number>, lengths: ArrayLike<number>, count: number): void {
    this.#checkAttached();
    const most = this.status.length;
    if (count > most) throw new RangeError(`count: ${count} datagrams are more than the ${most} of the batch`);
    checkInteger("count", count, 0, most);
    if (count > offsets.length || count > lengths.length) {
      const name = count > offsets.length ? "offsets" : "lengths";
      throw new RangeError(
        `${name}: expected ${count} numbers, got ${name === "offsets" ? offsets.length : lengths.length}`,
      );
    }
    if (bytes.length > this.#size) {
      throw new RangeError(`bytes: ${bytes.length} bytes are more than the ${this.#size} of the batch`);
    }
  }

  /** The room and the columns share one buffer, so its columns are detached if the room is. */
  #checkAttached(): void {
    if (this.bytes.length !== this.#size) {
      throw new TypeError("the batch's own buffer was transferred: create another batch, and transfer copies");
    }
  }
}

/** Copies `count` numbers to a column. A typed array of u32 holds nothing but valid ones, and is copied as a whole. */
function copyColumn(name: string, from: ArrayLike<number>, to: Uint32Array, count: number): void {
  if (from instanceof Uint32Array && from.length === count) {
    to.set(from);
    return;
  }
  for (let i = 0; i < count; i++) {
    const value = from[i]!;
    if (typeof value !== "number" || value >>> 0 !== value)
      refuse(`${name}[${i}]`, value, "number", "an integer, 0 to 4294967295");
    to[i] = value;
  }
}

/** The packet or error of a row. The program may have written the columns, so it checks that they make sense. */
function resultAt(columns: Columns, row: number): DecodeResult {
  const { bytes, offsets, lengths } = columns;
  const status = columns.status[row]!;
  if (status > STATUS_QUERY) {
    checkError(columns, row);
    const datagram = bytes.subarray(offsets[row]!, offsets[row]! + lengths[row]!);
    return { ok: false, code: errorCode(status), offset: errorOffset(datagram, status) };
  }
  checkFields(columns, row);
  const nodeId = copyOf(bytes, columns.nodeIdOffset[row]!, columns.nodeIdLength[row]!);
  if (status === STATUS_QUERY) return { ok: true, packet: { type: "query", nodeId } };
  const ip = copyOf(bytes, columns.ipOffset[row]!, columns.ipLength[row]!);
  return { ok: true, packet: { type: "announcement", nodeId, port: columns.port[row]!, ip } };
}
