import { ascii } from "./packets.ts";

/** NodeID and port of node `n`, for tests that announce many nodes. */
export function nodeOf(n: number): { id: Uint8Array<ArrayBuffer>; port: number } {
  return { id: ascii(`NODE-${n}`), port: 1000 + n };
}
