/** Builds sFlow datagrams from the definitions at sflow.org, without the code of the example. */
import { be, concat } from "./captures.ts";

/** Opaque data: the length, the bytes, and padding, which agents fill with anything. */
export function opaque(bytes: Uint8Array, padding = 0): Uint8Array {
  return concat(be(4, bytes.length), bytes, new Uint8Array(-bytes.length & 3).fill(padding));
}

/** An array: the number of elements, then the elements. */
export function array(...elements: Uint8Array[]): Uint8Array {
  return concat(be(4, elements.length), ...elements);
}

/** A sample or a record: a format of an enterprise, then data. */
export function tagged(format: number, data: Uint8Array, { enterprise = 0, padding = 0 } = {}): Uint8Array {
  return concat(be(4, enterprise * 0x1000 + format), opaque(data, padding));
}

/** An address, of 4 or 16 bytes, or none. */
export function address(bytes: Uint8Array): Uint8Array {
  return concat(be(4, bytes.length === 0 ? 0 : bytes.length === 4 ? 1 : 2), bytes);
}

/** A datagram of version 5, of the sub-agent 0, with the uptime 60 seconds. */
export function datagram(agent: Uint8Array, sequence: number, ...samples: Uint8Array[]): Uint8Array {
  return concat(be(4, 5), address(agent), be(4, 0, sequence, 60_000), array(...samples));
}

/** A flow sample of the interface 3: one in 1000 packets, of 2,000,000, none dropped. */
export function flowSample(sequence: number, input: number, output: number, ...records: Uint8Array[]): Uint8Array {
  return tagged(1, concat(be(4, sequence, 3, 1000, 2_000_000, 0, input, output), array(...records)));
}

/** The same in the expanded form. `input` and `output` are a format and a value. */
export function flowSampleExpanded(
  sequence: number,
  input: [number, number],
  output: [number, number],
  ...records: Uint8Array[]
): Uint8Array {
  return tagged(3, concat(be(4, sequence, 0, 3, 1000, 2_000_000, 0, ...input, ...output), array(...records)));
}

/** Counters of the interface 3. */
export function countersSample(sequence: number, ...records: Uint8Array[]): Uint8Array {
  return tagged(2, concat(be(4, sequence, 3), array(...records)));
}

/** The same in the expanded form. */
export function countersSampleExpanded(sequence: number, ...records: Uint8Array[]): Uint8Array {
  return tagged(4, concat(be(4, sequence, 0, 3), array(...records)));
}

/** The first bytes of an Ethernet frame, of which 4 bytes were stripped. */
export function sampledHeader(frame: Uint8Array, frameLength: number, padding = 0): Uint8Array {
  return tagged(1, concat(be(4, 1, frameLength, 4), opaque(frame, padding)));
}

/** Counters of an Ethernet interface of 10 Gbit/s, full duplex, up. */
export function ifCounters(inOctets: bigint, outOctets: bigint): Uint8Array {
  return tagged(
    1,
    concat(
      be(4, 3, 6),
      be(8, 10_000_000_000),
      be(4, 1, 3),
      be(8, inOctets),
      be(4, 100, 20, 3, 4, 5, 6),
      be(8, outOctets),
      be(4, 200, 30, 7, 8, 9, 0),
    ),
  );
}
