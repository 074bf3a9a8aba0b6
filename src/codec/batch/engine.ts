import type { CodecBackend } from "../types.ts";
import type { Columns } from "./columns.ts";

/** The part of a batch that wasm and TypeScript implement differently. `count` is at most the number of rows. */
export interface BatchEngine {
  readonly name: CodecBackend;
  readonly columns: Columns;
  /**
   * Decodes `count` datagrams, which must be in the first `size` bytes of the room. Returns how many are packets, or
   * REFUSED if a datagram is not there. The rows before it are decoded then.
   */
  decode(size: number, count: number): number;
  /**
   * Encodes `count` packets to datagrams from `from` on, or after the last NodeID and IP. Returns how many, or REFUSED
   * if a row is wrong or the datagrams do not fit. Nothing is written then.
   */
  encode(count: number, from: number): number;
}

/** Creates an engine with memory of its own. May throw any error if there is none. */
export type CreateEngine = (packets: number, bytes: number) => BatchEngine;
