/** Batches as earlier versions of the program wrote them. */

/** A batch without devices as one of version 1 or 2. */
export function asVersion(version: 1 | 2, batch: Uint8Array): Uint8Array<ArrayBuffer> {
  const old = new Uint8Array(batch.length - 4);
  old.set(batch.subarray(0, 20));
  // Without the number of devices.
  old.set(batch.subarray(24), 20);
  old[3] = version;
  return withChecksum(old);
}

/** Sets the checksum to the right one. */
export function withChecksum<T extends Uint8Array>(batch: T): T {
  new DataView(batch.buffer, batch.byteOffset).setUint32(4, Bun.hash.crc32(batch.subarray(8)), true);
  return batch;
}
