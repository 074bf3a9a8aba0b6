/** Builds frames and pcap files from their definitions, without the code of the example. */

/** Numbers as bytes, big-endian: `be(2, 0x0800)` is 08 00. */
export function be(size: number, ...values: (number | bigint)[]): Uint8Array {
  const digits = values.map((value) =>
    BigInt(value)
      .toString(16)
      .padStart(size * 2, "0"),
  );
  return Uint8Array.fromHex(digits.join(""));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const MAC_TO = be(1, 0x00, 0x1b, 0x21, 0x0a, 0xff, 0x01);
const MAC_FROM = be(1, 0x02, 0x00, 0x00, 0x00, 0x00, 0x09);

/** An Ethernet frame from 02:00:00:00:00:09 to 00:1b:21:0a:ff:01, with VLAN tags, the outermost first. */
export function ethernet(etherType: number, payload: Uint8Array, ...vlans: number[]): Uint8Array {
  const tags = vlans.map((vlan, i) => be(2, i < vlans.length - 1 ? 0x88a8 : 0x8100, 0xe000 | vlan));
  return concat(MAC_TO, MAC_FROM, ...tags, be(2, etherType), payload);
}

/** An IPv4 packet from 10.0.0.1 to 192.168.20.30. `flags` are the flags and the offset of a fragment. */
export function ipv4(protocol: number, payload: Uint8Array, { options = 0, flags = 0x4000 } = {}): Uint8Array {
  const header = concat(
    be(1, 0x45 + options / 4, 0),
    be(2, 20 + options + payload.length, 0x1234, flags),
    be(1, 64, protocol),
    be(2, 0),
    be(1, 10, 0, 0, 1, 192, 168, 20, 30),
    new Uint8Array(options).fill(1),
  );
  return concat(header, payload);
}

/** An IPv6 packet from 2001:db8::1 to fe80::1:0:0:2. `next` is the number of the first header in `payload`. */
export function ipv6(next: number, payload: Uint8Array): Uint8Array {
  const from = be(2, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
  const to = be(2, 0xfe80, 0, 0, 0, 1, 0, 0, 2);
  return concat(be(4, 0x6000_0000), be(2, payload.length), be(1, next, 64), from, to, payload);
}

/** A UDP datagram. `length` is the length that its header tells, if that is to be wrong. */
export function udp(from: number, to: number, data: Uint8Array, length = 8 + data.length): Uint8Array {
  return concat(be(2, from, to, length, 0), data);
}

/** The first 20 bytes of a TCP segment. */
export function tcp(from: number, to: number): Uint8Array {
  return concat(be(2, from, to), be(4, 1, 2), be(2, 0x5010, 1024, 0, 0));
}

interface PcapOptions {
  readonly isLittle?: boolean;
  readonly isNano?: boolean;
  readonly linkType?: number;
  /** How many bytes of each packet are captured. */
  readonly limit?: number;
}

/** A pcap file with these frames, one every 1.5 seconds from 2026-01-02 03:04:05.25 UTC on. */
export function pcap(frames: Uint8Array[], options: PcapOptions = {}): Uint8Array {
  const { isLittle = true, isNano = false, linkType = 1, limit = 0x4_0000 } = options;
  const words = (...values: number[]) => {
    const bytes = be(4, ...values);
    if (isLittle) for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
    return bytes;
  };
  const version = isLittle ? be(1, 2, 0, 4, 0) : be(2, 2, 4);
  const header = concat(words(isNano ? 0xa1b2_3c4d : 0xa1b2_c3d4), version, words(0, 0, limit, linkType));
  const packets = frames.map((frame, i) => {
    const milliseconds = Date.UTC(2026, 0, 2, 3, 4, 5, 250) + i * 1500;
    const fraction = (milliseconds % 1000) * (isNano ? 1_000_000 : 1000);
    const captured = frame.subarray(0, limit);
    return concat(words(Math.floor(milliseconds / 1000), fraction, captured.length, frame.length), captured);
  });
  return concat(header, ...packets);
}
