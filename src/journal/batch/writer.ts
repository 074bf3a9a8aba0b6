import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_TIME,
  IPV4_MAPPED,
  META_CONFIRMED,
  META_LENGTH,
} from "../../../assembly/layout.ts";
import { DEVICE_RETENTION_MS, deviceProblem, type JournalDevice } from "../device.ts";
import type { JournalEntry } from "../entry.ts";
import { writeDevice } from "./device.ts";
import {
  ADDRESS,
  BATCH_IPV4,
  checksum,
  FULL_ENTRIES,
  FULL_WORDS,
  f64,
  f64Words,
  HEADER_WORDS,
  ID,
  MAGIC,
  MAX_DEVICE_WORDS,
  MAX_ENTRIES,
  MAX_NODE_WORDS,
  META,
  TIME,
  VERSION,
} from "./format.ts";
import { Section } from "./section.ts";

/** A complete batch, ready to be stored. */
export interface SealedBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Nodes and devices. */
  readonly count: number;
  readonly deviceCount: number;
  /**
   * The time of the latest node, or DEVICE_RETENTION_MS after the time of the latest device if that is later. When this is
   * longer ago than a server's retention, everything in the batch has expired, whatever that retention is.
   */
  readonly newest: number;
}

/** Collects announcements and makes batches of them. */
export class BatchWriter {
  readonly #origin: Int32Array;
  readonly #nodes = new Section();
  readonly #devices = new Section();

  /** @param origin - 8 bytes that identify the server that writes */
  constructor(origin: Uint8Array) {
    this.#origin = new Int32Array(origin.slice().buffer);
  }

  /** Nodes and devices added so far. */
  get count(): number {
    return this.#nodes.count + this.#devices.count;
  }

  /** Whether the batch must be sealed before more is added. */
  get full(): boolean {
    return this.count >= FULL_ENTRIES || this.#nodes.end + this.#devices.end >= FULL_WORDS;
  }

  /**
   * Adds a node from the engine's exchange area.
   *
   * @param words - the engine's memory
   * @param at - where the entry begins, in words
   * @param shift - added to its time
   */
  add(words: Int32Array, at: number, shift: number): void {
    this.#checkRoom();
    f64Words[0] = words[at + TIME]!;
    f64Words[1] = words[at + TIME + 1]!;
    f64[0]! += shift;
    this.#nodes.begin(f64[0]!, MAX_NODE_WORDS);
    const to = this.#nodes.words;
    let { end } = this.#nodes;
    to[end] = f64Words[0]!;
    to[end + 1] = f64Words[1]!;
    const meta = words[at + META]!;
    const length = meta & META_LENGTH;
    const address = at + ADDRESS;
    const ipv4 = words[address] === 0 && words[address + 1] === 0 && words[address + 2]! >>> 0 === IPV4_MAPPED;
    to[end + 2] = (meta & (0xffff0000 | META_CONFIRMED)) | (ipv4 ? BATCH_IPV4 : 0) | length;
    end += 3;
    for (let word = ipv4 ? 3 : 0; word < 4; word++) to[end++] = words[address + word]!;
    const id = at + ID;
    const idEnd = id + ((length + 3) >>> 2);
    for (let word = id; word < idEnd; word++) to[end++] = words[word]!;
    this.#nodes.end = end;
  }

  addEntry({ nodeId, address, port, announcedAt, confirmed }: JournalEntry): void {
    const words = new Int32Array(ID + ((nodeId.length + 3) >>> 2));
    const bytes = new Uint8Array(words.buffer);
    new DataView(words.buffer).setFloat64(ENTRY_TIME, announcedAt, true);
    words[META] = (port << 16) | (confirmed ? META_CONFIRMED : 0) | nodeId.length;
    bytes.set(address, ENTRY_ADDRESS);
    bytes.set(nodeId, ENTRY_ID);
    this.add(words, 0, 0);
  }

  /**
   * Adds a device.
   *
   * @param shift - added to its times
   * @throws {RangeError} if it has more or longer addresses than a batch can hold
   */
  addDevice(device: JournalDevice, shift: number): void {
    const problem = deviceProblem(device);
    if (problem !== undefined) throw new RangeError(problem);
    this.#checkRoom();
    const latest = device.addresses.reduce((time, { announcedAt }) => Math.max(time, announcedAt), -Infinity);
    this.#devices.begin(latest + shift, MAX_DEVICE_WORDS);
    this.#devices.end = writeDevice(device, this.#devices.words, this.#devices.end, shift);
  }

  /** Makes a batch of what was added so far, in order of time, and empties the writer. */
  seal(): SealedBatch {
    const words = new Int32Array(HEADER_WORDS + this.#nodes.end + this.#devices.end);
    const { count } = this;
    const deviceCount = this.#devices.count;
    words[0] = MAGIC | (VERSION << 24);
    words[2] = this.#nodes.count;
    words.set(this.#origin, 3);
    words[5] = deviceCount;
    this.#devices.copy(words, this.#nodes.copy(words, HEADER_WORDS));
    const bytes = new Uint8Array(words.buffer);
    words[1] = checksum(bytes);
    const newest = Math.max(this.#nodes.newest, this.#devices.newest + DEVICE_RETENTION_MS);
    this.clear();
    return { bytes, count, deviceCount, newest };
  }

  clear(): void {
    this.#nodes.clear();
    this.#devices.clear();
  }

  #checkRoom(): void {
    if (this.count === MAX_ENTRIES) throw new RangeError("a batch was not sealed when it was full");
  }
}
