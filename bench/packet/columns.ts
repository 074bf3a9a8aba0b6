/** Many datagrams in one buffer, as a program receives them for a batch. */
export interface Datagrams {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

export function datagramsOf(list: readonly Uint8Array[]): Datagrams {
  const lengths = Uint32Array.from(list, ({ length }) => length);
  const offsets = new Uint32Array(list.length);
  for (let i = 1; i < list.length; i++) offsets[i] = offsets[i - 1]! + lengths[i - 1]!;
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  for (const [i, datagram] of list.entries()) bytes.set(datagram, offsets[i]);
  return { bytes, offsets, lengths };
}
