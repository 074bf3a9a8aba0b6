/** Instances of codec.wasm. docs/codec-wasm.md has its interface. */
import { CODEC_SIMD_WASM, CODEC_WASM } from "../../build/codec-wasm.ts";

/** The exports of codec.wasm. Addresses and sizes are u32. */
export interface CodecExports {
  readonly memory: WebAssembly.Memory & { readonly buffer: ArrayBuffer };
  /** Decodes the `size` bytes at `at` into the eight words at `fields`. Returns the status. */
  decode(at: number, size: number, fields: number): number;
  /** Decodes `count` packets into eight words each at `fields`. `table` has the address and size of each packet. */
  decodeBatch(table: number, count: number, fields: number): number;
  /** Writes an announcement at `to`. NodeID and IP may already be at their final place. */
  encodeAnnouncement(to: number, port: number, id: number, length: number, ip: number, ipLength: number): number;
  /** Writes a query at `to`. The NodeID may already be at its final place. */
  encodeQuery(to: number, id: number, length: number): number;
  /** Decodes `count` packets of the room to columns of `rows` words. Returns REFUSED for a datagram outside of it. */
  decodeColumns(room: number, size: number, columns: number, rows: number, count: number): number;
  /** Encodes `count` packets from columns to the room, from `from` on. Returns REFUSED if a row is wrong. */
  encodeColumns(room: number, size: number, columns: number, rows: number, count: number, from: number): number;
}

/** Size of a page of the memory in bytes: it grows by whole pages. */
export const PAGE = 65536;

let compiled: WebAssembly.Module | undefined;

/**
 * Compiles the module when it is first needed.
 *
 * @throws the JavaScript engine's own error if WebAssembly is missing, forbidden or out of memory
 */
export function createInstance(): CodecExports {
  compiled ??= compile();
  return new WebAssembly.Instance(compiled).exports as unknown as CodecExports;
}

/** The build with SIMD has the same exports. Engines that lack SIMD, or run on a processor that does, refuse it. */
function compile(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(fromBase64(CODEC_SIMD_WASM));
  } catch {
    return new WebAssembly.Module(fromBase64(CODEC_WASM));
  }
}

/** Node 20 has only `atob`, and some embedded engines have only `fromBase64`. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
