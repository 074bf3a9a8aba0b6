/** The codec in WebAssembly: packets are copied into the module's memory, only their fields are read back. */
import { ANNOUNCEMENT_ID, MAX_PACKET, QUERY_ID, STATUS_QUERY } from "../../assembly/layout.ts";
import { CODEC_WASM } from "../../build/codec-wasm.ts";
import type { Backend } from "./backend.ts";
import { errorCode, errorOffset } from "./error.ts";
import { PacketFields, resultOf, setError } from "./fields.ts";
import { tsBackend } from "./ts.ts";
import type { DecodeResult, Packet } from "./types.ts";
import { padded } from "./words.ts";

/** What codec.wasm exports. Addresses and sizes are u32. */
interface CodecExports {
  readonly memory: WebAssembly.Memory;
  /** Decodes the bytes at `at` into the eight words at `fields`; the status. */
  decode(at: number, size: number, fields: number): number;
  /** Decodes `count` packets, whose addresses and sizes are at `table`, into eight words each at `fields`. */
  decodeBatch(table: number, count: number, fields: number): number;
  /** Writes an announcement at `to`, where `id` and `ip` may lie already. */
  encodeAnnouncement(to: number, port: number, id: number, length: number, ip: number, ipLength: number): number;
  /** Writes a query at `to`, where `id` may lie already. */
  encodeQuery(to: number, id: number, length: number): number;
}

/** Packets to a call of `decodeBatch`. With 8 `decodeMany` is slower, with 256 no faster. */
const BATCH = 64;

/* The memory, which is all the host's: fields found, a table of a batch's packets, packets up to the end. */
const FIELDS_SIZE = 32;
const FIELDS = 0;
const TABLE = FIELDS + BATCH * FIELDS_SIZE;
const PACKETS = TABLE + BATCH * 8;

const PAGE = 65536;
/**
 * The memory never grows beyond this, since it can never shrink: one absurd input would be paid for as long as the codec
 * lives. A datagram has 65,507 bytes at most; what is longer than this is left to the other backend.
 */
const MAX_MEMORY = 256 * PAGE;

let compiled: WebAssembly.Module | undefined;

/** @throws whatever keeps WebAssembly from running here */
export function createWasmBackend(): Backend {
  compiled ??= new WebAssembly.Module(fromBase64(CODEC_WASM));
  return new WasmBackend(new WebAssembly.Instance(compiled).exports as unknown as CodecExports);
}

class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly #wasm: CodecExports;
  readonly #fields = new PacketFields();
  // Views on the memory, made once: growing the memory empties them.
  #bytes!: Uint8Array;
  #words!: DataView;
  /** Views of the first bytes of a packet, by their number in words: packets have few lengths. */
  #packets!: (Uint8Array | undefined)[];

  constructor(wasm: CodecExports) {
    this.#wasm = wasm;
    this.#view();
  }

  judge(bytes: Uint8Array, fields: PacketFields): boolean {
    if (!this.#makeRoom(bytes.length)) return tsBackend.judge(bytes, fields);
    this.#bytes.set(bytes, PACKETS);
    this.#wasm.decode(PACKETS, bytes.length, FIELDS);
    return this.#take(bytes, FIELDS, fields);
  }

  judgeMany(list: readonly Uint8Array[]): DecodeResult[] {
    const results: DecodeResult[] = [];
    const fields = this.#fields;
    while (results.length < list.length) {
      const first = results.length;
      const count = this.#fill(list, first);
      if (count === 0) {
        // Longer than the memory as it is: this may grow it.
        const bytes = list[first]!;
        this.judge(bytes, fields);
        results.push(resultOf(bytes, fields));
        continue;
      }
      this.#wasm.decodeBatch(TABLE, count, FIELDS);
      for (let i = 0; i < count; i++) {
        const bytes = list[first + i]!;
        this.#take(bytes, FIELDS + i * FIELDS_SIZE, fields);
        results.push(resultOf(bytes, fields));
      }
    }
    return results;
  }

  write(packet: Packet, target: Uint8Array, at: number): void {
    const { nodeId } = packet;
    const { length } = nodeId;
    const query = packet.type === "query";
    const id = PACKETS + (query ? QUERY_ID : ANNOUNCEMENT_ID);
    const ip = id + padded(length) + 4;
    if (!this.#makeRoom(ip + 16 - PACKETS)) {
      tsBackend.write(packet, target, at);
      return;
    }
    this.#bytes.set(nodeId, id);
    let size: number;
    if (query) {
      size = this.#wasm.encodeQuery(PACKETS, id, length);
    } else {
      this.#bytes.set(packet.ip, ip);
      size = this.#wasm.encodeAnnouncement(PACKETS, packet.port, id, length, ip, packet.ip.length);
    }
    target.set(this.#packet(size), at);
  }

  /** Copies packets of `list` from `first` on into the memory, and writes their table. Returns how many there was room for. */
  #fill(list: readonly Uint8Array[], first: number): number {
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

  /** Takes what the module found in `bytes` from the words at `at`. */
  #take(bytes: Uint8Array, at: number, fields: PacketFields): boolean {
    const words = this.#words;
    const status = words.getUint32(at, true);
    if (status > STATUS_QUERY) return setError(fields, errorCode(status), errorOffset(bytes, status));
    fields.type = status === STATUS_QUERY ? "query" : "announcement";
    fields.port = words.getUint32(at + 4, true);
    fields.nodeIdOffset = words.getUint32(at + 8, true);
    fields.nodeIdLength = words.getUint32(at + 12, true);
    fields.ipOffset = words.getUint32(at + 16, true);
    fields.ipLength = words.getUint32(at + 20, true);
    fields.code = undefined;
    fields.errorOffset = 0;
    return true;
  }

  /** Whether the memory has room for a packet of `size` bytes, now. */
  #makeRoom(size: number): boolean {
    const missing = PACKETS + size - this.#bytes.length;
    if (missing <= 0) return true;
    if (PACKETS + size > MAX_MEMORY) return false;
    try {
      this.#wasm.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      return false;
    }
    this.#view();
    return true;
  }

  #view(): void {
    const { buffer } = this.#wasm.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new DataView(buffer);
    this.#packets = [];
  }

  #packet(size: number): Uint8Array {
    if (size > MAX_PACKET) return this.#bytes.subarray(PACKETS, PACKETS + size);
    this.#packets[size >>> 2] ??= this.#bytes.subarray(PACKETS, PACKETS + size);
    return this.#packets[size >>> 2]!;
  }
}

/** Of `atob` and `fromBase64`, Node 20 has only the one, and some embedded engines only the other. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
