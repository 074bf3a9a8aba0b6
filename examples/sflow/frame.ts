/** Ethernet frames with IPv4 or IPv6, as far as the bytes go: a sample has only the first bytes of a frame. */

export interface Frame {
  readonly source: string;
  readonly destination: string;
  /** The ID of the outermost VLAN tag. */
  readonly vlan: number | undefined;
  readonly etherType: number;
  readonly ip: IpPacket | undefined;
}

export interface IpPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly isFragment: boolean;
  /** In bytes, of a fragment. Only the first one, at offset 0, begins with the ports. */
  readonly fragmentOffset: number;
  readonly payload: Uint8Array;
}

const TCP = 6;
const UDP = 17;

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN_TAGS = [0x8100, 0x88a8];

/** Reads an Ethernet frame. Returns `undefined` if even its header is cut off. */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < 14) return undefined;
  const [destination, source] = [mac(bytes.subarray(0, 6)), mac(bytes.subarray(6, 12))];
  let at = 12;
  let vlan: number | undefined;
  while (VLAN_TAGS.includes(uint16(bytes, at)) && bytes.length >= at + 6) {
    vlan ??= uint16(bytes, at + 2) & 0xfff;
    at += 4;
  }
  const etherType = uint16(bytes, at);
  const rest = bytes.subarray(at + 2);
  const ip = etherType === IPV4 ? readIpv4(rest) : etherType === IPV6 ? readIpv6(rest) : undefined;
  return { source, destination, vlan, etherType, ip };
}

/** Reads an IPv4 packet. Returns `undefined` if its header is cut off or invalid. */
export function readIpv4(bytes: Uint8Array): IpPacket | undefined {
  const headerLength = (bytes[0]! & 15) * 4;
  if (bytes.length < 20 || bytes[0]! >> 4 !== 4 || headerLength < 20 || bytes.length < headerLength) return undefined;
  const flags = uint16(bytes, 6);
  const fragmentOffset = (flags & 0x1fff) * 8;
  return {
    source: ipAddress(bytes.subarray(12, 16)),
    destination: ipAddress(bytes.subarray(16, 20)),
    protocol: bytes[9]!,
    fragmentOffset,
    isFragment: fragmentOffset > 0 || (flags & 0x2000) !== 0,
    // Short packets are padded up to the least length of an Ethernet frame, so their own length counts.
    payload: bytes.subarray(headerLength, Math.max(headerLength, uint16(bytes, 2))),
  };
}

// Extension headers of IPv6 (RFC 8200 §4).
const FRAGMENT = 44;
const OPTIONS = [0, 43, 60];

/** Reads an IPv6 packet. Returns `undefined` if its headers are cut off or invalid. */
export function readIpv6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 40 || bytes[0]! >> 4 !== 6) return undefined;
  const end = 40 + uint16(bytes, 4);
  let protocol = bytes[6]!;
  let at = 40;
  let fragment: number | undefined;
  while (protocol === FRAGMENT || OPTIONS.includes(protocol)) {
    if (at + 8 > bytes.length) return undefined;
    if (protocol === FRAGMENT) fragment = uint16(bytes, at + 2);
    const size = protocol === FRAGMENT ? 8 : 8 * (bytes[at + 1]! + 1);
    protocol = bytes[at]!;
    at += size;
  }
  return {
    source: ipAddress(bytes.subarray(8, 24)),
    destination: ipAddress(bytes.subarray(24, 40)),
    protocol,
    fragmentOffset: (fragment ?? 0) & 0xfff8,
    isFragment: fragment !== undefined,
    payload: bytes.subarray(at, Math.max(at, end)),
  };
}

/** The ports of TCP and UDP, source and destination, if they are in the packet. */
export function portsOf({ protocol, fragmentOffset, payload }: IpPacket): [number, number] | undefined {
  if ((protocol !== TCP && protocol !== UDP) || fragmentOffset > 0 || payload.length < 4) return undefined;
  return [uint16(payload, 0), uint16(payload, 2)];
}

/** The data of a UDP datagram, and how long they were on the wire. Fragments are not put together. */
export function udpData(packet: IpPacket): { data: Uint8Array; length: number } | undefined {
  const { protocol, isFragment, payload } = packet;
  if (protocol !== UDP || isFragment || payload.length < 8) return undefined;
  const length = uint16(payload, 4) - 8;
  return length < 0 ? undefined : { data: payload.subarray(8, 8 + length), length };
}

/** The text of an IPv4 address (4 bytes) or IPv6 address (16 bytes). */
export function ipAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => uint16(bytes, 2 * i).toString(16));
  // URL knows the shortest form (RFC 5952).
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** The text of a MAC address, as in `00:1b:21:0a:ff:01`. */
export function mac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
