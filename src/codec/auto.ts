/**
 * What `"auto"` uses: the faster backend for each operation by `bun bench --only codec`, in Bun, Node and Chromium.
 *
 * | operation | backend | reason |
 * |---|---|---|
 * | `decode`, `tryDecode`, `decodeInto`, `decodeMany` | ts | wasm first copies the datagram into its memory |
 * | `encode`, `encodeInto`, `encodeMany` | ts | wasm copies the fields in and the datagram out |
 * | `batch` | wasm | what it reads and writes is in its memory already |
 */
import type { Backend } from "./backend.ts";
import type { BatchEngine } from "./batch/engine.ts";
import { createTsEngine } from "./batch/ts.ts";
import { createWasmEngine } from "./batch/wasm.ts";
import { tsBackend } from "./ts.ts";

export const autoBackend: Backend = tsBackend;

/** Only a batch needs wasm, so the module is not compiled before. Where it cannot be, TypeScript does the same. */
export function createAutoEngine(packets: number, bytes: number): BatchEngine {
  try {
    return createWasmEngine(packets, bytes);
  } catch {
    return createTsEngine(packets, bytes);
  }
}
