import { ascii } from "./packets.ts";

/** NodeID and port of node `n` of those that a test announces before anything happens. */
export function nodeOf(n: number): { id: Uint8Array<ArrayBuffer>; port: number } {
  return { id: ascii(`NODE-${n}`), port: 1000 + n };
}
