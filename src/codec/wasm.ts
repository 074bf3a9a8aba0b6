/**
 * The codec backend in WebAssembly: copies packets into and out of the module's memory. docs/codec-wasm.md has its
 * interface.
 */
import { ANNOUNCEMENT_ID, MAX_PACKET, QUERY_ID, STATUS_ANNOUNCEMENT, STATUS_QUERY } from "../../assembly/layout.ts";
import type { Backend } from "./backend.ts";
import { copyOf } from "./copy.ts";
import { errorCode, errorOffset } from "./error.ts";
import { type PacketFields, setError } from "./fields.ts";
import { type CodecExports, createInstance, PAGE } from "./instance.ts";
import { resultOf } from "./result.ts";
import { tsBackend } from "./ts.ts";
import type { DecodeResult, Packet } from "./types.ts";
import { padded } from "./words.ts";

/** Packets per call of `decodeBatch`. With 8, `decodeMany` is slower; with 256, it is no faster. */
const BATCH = 64;

/* Layout of the memory: decoded fields, the table of a batch, then packets. The caller of the module may choose it. */
const FIELDS_SIZE = 32;
const FIELDS = 0;
const TABLE = FIELDS + BATCH * FIELDS_SIZE;
const PACKETS = TABLE + BATCH * 8;

/* Offsets in the 32 bytes of a packet's fields. The status is at 0. */
const PORT = 4;
const ID_OFFSET = 8;
const ID_LENGTH = 12;
const IP_OFFSET = 16;
const IP_LENGTH = 20;

/**
 * The memory never grows beyond this, because it can never shrink: one huge input would occupy memory for as long as the
 * codec exists. A UDP datagram has at most 65,507 bytes. Packets that do not fit are handled by the TypeScript backend.
 */
const MAX_MEMORY = 256 * PAGE;

/** @throws the JavaScript engine's own error if WebAssembly is missing, forbidden or out of memory */
export function createWasmBackend(): Backend {
  return new WasmBackend(createInstance());
}

class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly #wasm: CodecExports;
  // Views of the memory, created once. Growing the memory detaches them.
  #bytes!: Uint8Array;
  #words!: DataView;
  #packets!: Views;
  #queryIds!: Views;
  #announcementIds!: Views;

  constructor(wasm: CodecExports) {
    this.#wasm = wasm;
    this.#createViews();
  }

  decode(bytes: Uint8Array): Packet | number {
    const { length } = bytes;
    if (!this.#makeRoom(length)) return tsBackend.decode(bytes);
    this.#bytes.set(bytes, PACKETS);
    const status = this.#wasm.decode(PACKETS, length, FIELDS);
    const words = this.#words;
    if (status === STATUS_QUERY) {
      return { type: "query", nodeId: this.#queryIds.copy(words.getUint32(FIELDS + ID_LENGTH, true)) };
    }
    if (status !== STATUS_ANNOUNCEMENT) return status;
    return {
      type: "announcement",
      nodeId: this.#announcementIds.copy(words.getUint32(FIELDS + ID_LENGTH, true)),
      port: words.getUint32(FIELDS + PORT, true),
      ip: copyOf(
        this.#bytes,
        PACKETS + words.getUint32(FIELDS + IP_OFFSET, true),
        words.getUint32(FIELDS + IP_LENGTH, true),
      ),
    };
  }

  decodeMany(list: readonly Uint8Array[]): DecodeResult[] {
    const results = new Array<DecodeResult>(list.length);
    for (let done = 0; done < list.length; ) {
      const count = this.#fillBatch(list, done);
      if (count === 0) {
        // The packet does not fit into the memory. `decode` can grow it.
        const bytes = list[done]!;
        results[done++] = resultOf(bytes, this.decode(bytes));
        continue;
      }
      this.#wasm.decodeBatch(TABLE, count, FIELDS);
      for (let i = 0, at = PACKETS; i < count; i++, done++) {
        const bytes = list[done]!;
        results[done] = resultOf(bytes, this.#packetAt(at, FIELDS + i * FIELDS_SIZE));
        at += bytes.length;
      }
    }
    return results;
  }

  locate(bytes: Uint8Array, fields: PacketFields): boolean {
    const { length } = bytes;
    if (!this.#makeRoom(length)) return tsBackend.locate(bytes, fields);
    this.#bytes.set(bytes, PACKETS);
    const status = this.#wasm.decode(PACKETS, length, FIELDS);
    if (status > STATUS_QUERY) return setError(fields, errorCode(status), errorOffset(bytes, status));
    const words = this.#words;
    fields.type = status === STATUS_QUERY ? "query" : "announcement";
    fields.port = words.getUint32(FIELDS + PORT, true);
    fields.nodeIdOffset = words.getUint32(FIELDS + ID_OFFSET, true);
    fields.nodeIdLength = words.getUint32(FIELDS + ID_LENGTH, true);
    fields.ipOffset = words.getUint32(FIELDS + IP_OFFSET, true);
    fields.ipLength = words.getUint32(FIELDS + IP_LENGTH, true);
    fields.code = undefined;
    fields.errorOffset = 0;
    return true;
  }

  encode(packet: Packet, size: number): Uint8Array<ArrayBuffer> {
    return this.#encodeInMemory(packet, size) ? this.#packets.copy(size) : tsBackend.encode(packet, size);
  }

  write(packet: Packet, size: number, target: Uint8Array, at: number): void {
    if (this.#encodeInMemory(packet, size)) target.set(this.#packets.get(size), at);
    else tsBackend.write(packet, size, target, at);
  }

  /** Encodes `packet` at PACKETS. Returns false if the memory has no room for it. */
  #encodeInMemory(packet: Packet, size: number): boolean {
    if (!this.#makeRoom(size)) return false;
    const { nodeId } = packet;
    const { length } = nodeId;
    if (packet.type === "query") {
      this.#bytes.set(nodeId, PACKETS + QUERY_ID);
      this.#wasm.encodeQuery(PACKETS, PACKETS + QUERY_ID, length);
      return true;
    }
    const { ip } = packet;
    const bytes = this.#bytes;
    const to = PACKETS + ANNOUNCEMENT_ID + padded(length) + 4;
    bytes.set(nodeId, PACKETS + ANNOUNCEMENT_ID);
    for (let i = 0; i < ip.length; i++) bytes[to + i] = ip[i]!;
    this.#wasm.encodeAnnouncement(PACKETS, packet.port, PACKETS + ANNOUNCEMENT_ID, length, to, ip.length);
    return true;
  }

  /** Copies packets of `list` into the memory, from index `first` on, and writes their table. Returns how many fit. */
  #fillBatch(list: readonly Uint8Array[], first: number): number {
    const last = Math.min(list.length - first, BATCH);
    let at = PACKETS;
    for (let i = 0; i < last; i++) {
      const bytes = list[first + i]!;
      const { length } = bytes;
      if (length > this.#bytes.length - at) return i;
      this.#bytes.set(bytes, at);
      this.#words.setUint32(TABLE + i * 8, at, true);
      this.#words.setUint32(TABLE + i * 8 + 4, length, true);
      at += length;
    }
    return last;
  }

  /** The packet at `at`, whose decoded fields are at `fields`; a status above STATUS_QUERY if it is not a packet. */
  #packetAt(at: number, fields: number): Packet | number {
    const words = this.#words;
    const status = words.getUint32(fields, true);
    if (status > STATUS_QUERY) return status;
    const nodeId = copyOf(
      this.#bytes,
      at + words.getUint32(fields + ID_OFFSET, true),
      words.getUint32(fields + ID_LENGTH, true),
    );
    if (status === STATUS_QUERY) return { type: "query", nodeId };
    const port = words.getUint32(fields + PORT, true);
    const ip = copyOf(
      this.#bytes,
      at + words.getUint32(fields + IP_OFFSET, true),
      words.getUint32(fields + IP_LENGTH, true),
    );
    return { type: "announcement", nodeId, port, ip };
  }

  /** Grows the memory if a packet of `size` bytes does not fit. Returns false if that is impossible. */
  #makeRoom(size: number): boolean {
    const missing = PACKETS + size - this.#bytes.length;
    if (missing <= 0) return true;
    if (PACKETS + size > MAX_MEMORY) return false;
    try {
      this.#wasm.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      return false;
    }
    this.#createViews();
    return true;
  }

  #createViews(): void {
    const { buffer } = this.#wasm.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new DataView(buffer);
    this.#packets = new Views(this.#bytes, PACKETS);
    this.#queryIds = new Views(this.#bytes, PACKETS + QUERY_ID);
    this.#announcementIds = new Views(this.#bytes, PACKETS + ANNOUNCEMENT_ID);
  }
}

/**
 * Views of the bytes at one address, by their length. They are cached, since creating a view takes longer than copying
 * its bytes, and packets have few different lengths.
 */
class Views {
  readonly #bytes: Uint8Array;
  readonly #at: number;
  readonly #views: (Uint8Array | undefined)[] = new Array(MAX_PACKET + 1);

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get(length: number): Uint8Array {
    if (length > MAX_PACKET) return this.#bytes.subarray(this.#at, this.#at + length);
    this.#views[length] ??= this.#bytes.subarray(this.#at, this.#at + length);
    return this.#views[length]!;
  }

  /** Copies the bytes into a buffer of their own. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.get(length));
  }
}
