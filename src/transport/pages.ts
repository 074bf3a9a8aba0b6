/** Huge pages for the engine's memory, where Linux has some to give. */
import { ptr } from "bun:ffi";
import { type Libc, loadLibc } from "./libc.ts";

const MADV_HUGEPAGE = 14;
const PAGE = 4096;

/**
 * Asks for huge pages where `bytes` lie, best before they are written to: look-ups go all over a registry, and in pages of 4 KB
 * each waits for the page's address as well as for the memory (bench/server/load/load.ts: a tenth of a reply at 1,000,000 nodes).
 * No more than a hint: where it cannot be given, nothing happens.
 */
export function preferHugePages(bytes: Uint8Array): void {
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch {
    return;
  }
  const start = Math.ceil(ptr(bytes) / PAGE) * PAGE;
  const size = ptr(bytes) + bytes.length - start;
  if (size > 0) libc.call.madvise(start, size, MADV_HUGEPAGE);
}
