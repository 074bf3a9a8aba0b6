/** Helpers for tests of batches. */
import type { PacketBatch } from "../../../src/codec/index.ts";

/** Fills a batch with these datagrams, one after the other. */
export function fillWith(batch: PacketBatch, list: readonly Uint8Array[]): void {
  const lengths = list.map(({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  const offsets: number[] = [];
  let at = 0;
  for (const datagram of list) {
    offsets.push(at);
    bytes.set(datagram, at);
    at += datagram.length;
  }
  batch.fill(bytes, offsets, lengths);
}

/** The decoded fields of a row. */
export function rowOf(batch: PacketBatch, row: number) {
  const { status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = batch;
  return {
    status: status[row]!,
    port: port[row]!,
    nodeIdOffset: nodeIdOffset[row]!,
    nodeIdLength: nodeIdLength[row]!,
    ipOffset: ipOffset[row]!,
    ipLength: ipLength[row]!,
  };
}
