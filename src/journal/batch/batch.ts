import { ENTRY_ADDRESS, ENTRY_ID, IPV4_MAPPED, MAX_ID_LENGTH, META_CONFIRMED } from "../../../assembly/layout.ts";
import type { JournalDevice } from "../device.ts";
import type { JournalEntry } from "../entry.ts";
import { deviceTimeAt, endOfDevice, readDevice } from "./device.ts";
import {
  ADDRESS,
  BATCH_IPV4,
  BATCH_LENGTH,
  BatchError,
  checksum,
  f64,
  f64Words,
  HEADER_WORDS,
  ID,
  MAGIC,
  MAX_ENTRIES,
  META,
  MIN_DEVICE_WORDS,
  MIN_NODE_WORDS,
  OLD_HEADER_WORDS,
  TIME,
  timeAt,
  VERSION,
} from "./format.ts";

/** A batch from a journal, checked: everything lies within it, and is a valid announcement. */
export class Batch {
  /** Number of nodes. */
  readonly count: number;
  readonly deviceCount: number;
  /** The server that wrote it: 8 bytes in hex. */
  readonly origin: string;
  readonly #words: Int32Array;
  /** Where each node begins, in order of time. */
  readonly #nodes: Uint32Array;
  /** The same for the devices. */
  readonly #devices: Uint32Array;
  /** META_CONFIRMED if all nodes count as confirmed, because the batch's version does not say which are. */
  readonly #allConfirmed: number;

  private constructor(words: Int32Array, nodes: Uint32Array, devices: Uint32Array) {
    this.#words = words;
    this.#nodes = nodes;
    this.#devices = devices;
    this.#allConfirmed = words[0]! >>> 24 === 1 ? META_CONFIRMED : 0;
    this.count = nodes.length;
    this.deviceCount = devices.length;
    this.origin = new Uint8Array(words.buffer, words.byteOffset + 12, 8).toHex();
  }

  /**
   * @param bytes - from a journal, not trusted
   * @throws {BatchError} if they are not exactly one intact batch
   */
  static parse(bytes: Uint8Array): Batch {
    if (bytes.length < OLD_HEADER_WORDS * 4 || bytes.length % 4 !== 0) {
      throw new BatchError(`a batch cannot have ${bytes.length} bytes`);
    }
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
    if ((words[0]! & 0xffffff) !== MAGIC) throw new BatchError("it does not begin with WHJ");
    const version = words[0]! >>> 24;
    if (version < 1 || version > VERSION) {
      throw new BatchError(`its version is ${version}, this program reads 1 to ${VERSION}`);
    }
    if (words[1] !== checksum(aligned)) throw new BatchError("its checksum is wrong");
    const header = version < 3 ? OLD_HEADER_WORDS : HEADER_WORDS;
    if (words.length < header) throw new BatchError("it is shorter than its header");
    const count = words[2]! >>> 0;
    const deviceCount = version < 3 ? 0 : words[5]! >>> 0;
    if (count * MIN_NODE_WORDS + deviceCount * MIN_DEVICE_WORDS > words.length - header) {
      throw new BatchError("it is shorter than its entries");
    }
    if (count + deviceCount > MAX_ENTRIES) {
      throw new BatchError(`it has ${count + deviceCount} entries, more than ${MAX_ENTRIES}`);
    }
    const nodes = section(words, header, count, (at) => endOfNode(words, at, version), timeAt);
    const devices = section(words, nodes.end, deviceCount, (at) => endOfDevice(words, at), deviceTimeAt);
    if (devices.end !== words.length) throw new BatchError("it is longer than its entries");
    return new Batch(words, nodes.starts, devices.starts);
  }

  /** Nodes and devices. */
  get total(): number {
    return this.count + this.deviceCount;
  }

  /** The earliest time; infinity if the batch is empty. That of a device is the time of its latest address. */
  get oldest(): number {
    const node = this.count > 0 ? this.time(0) : Number.POSITIVE_INFINITY;
    return Math.min(node, this.deviceCount > 0 ? this.deviceTime(0) : Number.POSITIVE_INFINITY);
  }

  /** The latest time; minus infinity if the batch is empty. */
  get newest(): number {
    const node = this.count > 0 ? this.time(this.count - 1) : Number.NEGATIVE_INFINITY;
    return Math.max(node, this.deviceCount > 0 ? this.deviceTime(this.deviceCount - 1) : Number.NEGATIVE_INFINITY);
  }

  /** The same batch without its devices. */
  nodesOnly(): Batch {
    return new Batch(this.#words, this.#nodes, new Uint32Array(0));
  }

  /** The same batch without its nodes. */
  devicesOnly(): Batch {
    return new Batch(this.#words, new Uint32Array(0), this.#devices);
  }

  /** Two batches: what was announced up to `time`, and what was announced after it. */
  split(time: number): [before: Batch, after: Batch] {
    let [nodes, devices] = [this.count, this.deviceCount];
    while (nodes > 0 && this.time(nodes - 1) > time) nodes--;
    while (devices > 0 && this.deviceTime(devices - 1) > time) devices--;
    return [
      new Batch(this.#words, this.#nodes.subarray(0, nodes), this.#devices.subarray(0, devices)),
      new Batch(this.#words, this.#nodes.subarray(nodes), this.#devices.subarray(devices)),
    ];
  }

  /** Bytes of the NodeID of node `index`. */
  idLength(index: number): number {
    return this.#words[this.#nodes[index]! + 2]! & BATCH_LENGTH;
  }

  /** The NodeID of node `index`, as a view of the batch. */
  nodeId(index: number): Uint8Array {
    const start = this.#nodes[index]!;
    const at = start + ((this.#words[start + 2]! & BATCH_IPV4) === 0 ? 7 : 4);
    return new Uint8Array(this.#words.buffer, this.#words.byteOffset + at * 4, this.idLength(index));
  }

  /** The time of node `index`. */
  time(index: number): number {
    return timeAt(this.#words, this.#nodes[index]!);
  }

  /** The time of the latest address of device `index`. */
  deviceTime(index: number): number {
    return deviceTimeAt(this.#words, this.#devices[index]!);
  }

  /** Device `index`, with `shift` added to its times. */
  device(index: number, shift: number): JournalDevice {
    return readDevice(this.#words, this.#devices[index]!, shift);
  }

  /**
   * Writes a node into the exchange area, where its NodeID must fit.
   *
   * @param words - the engine's memory
   * @param to - where the entry begins there, in words
   * @param shift - added to its time
   */
  copy(index: number, words: Int32Array, to: number, shift: number): void {
    const from = this.#words;
    let at = this.#nodes[index]!;
    f64[0] = this.time(index) + shift;
    words[to + TIME] = f64Words[0]!;
    words[to + TIME + 1] = f64Words[1]!;
    const meta = from[at + 2]!;
    words[to + META] = (meta & ~BATCH_IPV4) | this.#allConfirmed;
    at += 3;
    const address = to + ADDRESS;
    if ((meta & BATCH_IPV4) !== 0) {
      words[address] = 0;
      words[address + 1] = 0;
      words[address + 2] = IPV4_MAPPED;
      words[address + 3] = from[at++]!;
    } else {
      for (let word = 0; word < 4; word++) words[address + word] = from[at++]!;
    }
    const end = at + (((meta & BATCH_LENGTH) + 3) >>> 2);
    for (let word = to + ID; at < end; word++) words[word] = from[at++]!;
  }

  /** Node `index` as an object. Slow: the server uses `copy`. */
  entry(index: number): JournalEntry {
    const length = this.idLength(index);
    const words = new Int32Array(ID + ((length + 3) >>> 2));
    this.copy(index, words, 0, 0);
    const bytes = new Uint8Array(words.buffer);
    return {
      nodeId: bytes.slice(ENTRY_ID, ENTRY_ID + length),
      address: bytes.slice(ENTRY_ADDRESS, ENTRY_ADDRESS + 16),
      port: words[META]! >>> 16,
      announcedAt: this.time(index),
      confirmed: (words[META]! & META_CONFIRMED) !== 0,
    };
  }
}

/** Finds where each of `count` entries begins, the first one at word `at`, and sorts them by time if they are out of order. */
function section(
  words: Int32Array,
  at: number,
  count: number,
  endOf: (at: number) => number,
  timeOf: (words: Int32Array, at: number) => number,
): { starts: Uint32Array; end: number } {
  const starts = new Uint32Array(count);
  let end = at;
  let [before, inOrder] = [Number.NEGATIVE_INFINITY, true];
  for (let entry = 0; entry < count; entry++) {
    starts[entry] = end;
    end = endOf(end);
    const time = timeOf(words, starts[entry]!);
    inOrder &&= time > before - 1;
    before = time;
  }
  // Merging nodes out of order would walk a whole queue of the registry for each.
  if (!inOrder) starts.sort((one, other) => timeOf(words, one) - timeOf(words, other));
  return { starts, end };
}

/** Returns where the node at word `at` ends. @throws {BatchError} if it is invalid or does not end within `words` */
function endOfNode(words: Int32Array, at: number, version: number): number {
  if (words.length - at < MIN_NODE_WORDS) throw new BatchError("it is shorter than its entries");
  const meta = words[at + 2]!;
  // In version 1, the bit of META_CONFIRMED was part of the length.
  const length = meta & (version === 1 ? BATCH_IPV4 - 1 : BATCH_LENGTH);
  const end = at + ((meta & BATCH_IPV4) === 0 ? 7 : 4) + ((length + 3) >>> 2);
  if (length === 0 || length > MAX_ID_LENGTH) throw new BatchError(`it has a NodeID of ${length} bytes`);
  if (meta >>> 16 === 0) throw new BatchError("it has a node without a port");
  if (!Number.isFinite(timeAt(words, at))) throw new BatchError("it has a node without a time");
  if (end > words.length) throw new BatchError("it is shorter than its entries");
  return end;
}
