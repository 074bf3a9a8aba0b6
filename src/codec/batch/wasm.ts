/** Columns in WebAssembly: assembly/columns.ts, in the memory of an instance that a batch has for itself. */
import { createInstance, PAGE } from "../instance.ts";
import { columnsOf, columnsSize } from "./columns.ts";
import type { BatchEngine } from "./engine.ts";

/** @throws the JavaScript engine's own error if WebAssembly is missing, forbidden or out of memory */
export function createWasmEngine(packets: number, bytes: number): BatchEngine {
  const { memory, decodeColumns, encodeColumns } = createInstance();
  const room = columnsSize(packets);
  const missing = room + bytes - memory.buffer.byteLength;
  // Growing detaches earlier views. Nobody else has this memory, so it never grows again.
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return {
    name: "wasm",
    columns: columnsOf(memory.buffer, packets, bytes),
    decode: (size, count) => decodeColumns(room, size, 0, packets, count) >>> 0,
    encode: (count, from) => encodeColumns(room, bytes, 0, packets, count, from) >>> 0,
  };
}
