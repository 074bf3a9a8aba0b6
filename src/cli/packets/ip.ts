/** UDP datagrams in IPv4 and IPv6 packets, as far as they were captured. */

const UDP = 17;
const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Extension headers of IPv6 (RFC 8200 §4, RFC 6275, RFC 7401, RFC 5533) whose length is given in units of 8 bytes. */
const EXTENSIONS = [0, 43, 60, 135, 139, 140];
const FRAGMENT = 44;
/** The length of an authentication header is given in words (RFC 4302). */
const AUTHENTICATION = 51;

export interface UdpDatagram {
  readonly kind: "udp";
  /** 4 or 16 bytes, views of the packet as `payload` is. */
  readonly sourceIp: Uint8Array;
  readonly sourcePort: number;
  readonly destinationIp: Uint8Array;
  readonly destinationPort: number;
  /** Whether it is the first fragment of the datagram. Others have no ports, so they are no {@link UdpDatagram}. */
  readonly isFragment: boolean;
  /** The captured part of the payload. */
  readonly payload: Uint8Array;
  /** The length of the payload on the wire, in bytes. */
  readonly length: number;
  /** The length of the whole IP packet on the wire, in bytes. */
  readonly ipLength: number;
}

/** Why an IP packet has no {@link UdpDatagram}. */
export type NoUdpDatagram =
  /** Only a part was captured, which ends before the payload. `ipLength` is known if its IP header is complete. */
  | { readonly kind: "cut"; readonly ipLength?: number }
  | { readonly kind: "protocol"; readonly protocol: number }
  /** A fragment that is not the first one. */
  | { readonly kind: "fragment" }
  /** Lengths in the headers contradict each other. */
  | { readonly kind: "contradiction" };

const CUT = { kind: "cut" } as const;
const LATER_FRAGMENT = { kind: "fragment" } as const;
const CONTRADICTION = { kind: "contradiction" } as const;

/**
 * Reads the IP packet that begins at `start`.
 *
 * @param view - the frame. It may have bytes after the packet
 * @param start - less than the length of the frame. The byte there says that it is IPv4 or IPv6
 */
export function readUdp(view: DataView, start: number): UdpDatagram | NoUdpDatagram {
  return view.getUint8(start) >> 4 === 4 ? readIpv4(view, start) : readIpv6(view, start);
}

function readIpv4(view: DataView, start: number): UdpDatagram | NoUdpDatagram {
  const headerLength = (view.getUint8(start) & 15) * 4;
  if (view.byteLength - start < Math.max(IPV4_HEADER, headerLength)) return CUT;
  const protocol = view.getUint8(start + 9);
  if (protocol !== UDP) return { kind: "protocol", protocol };
  const fragment = view.getUint16(start + 6);
  if ((fragment & 0x1fff) !== 0) return LATER_FRAGMENT;
  const ipLength = view.getUint16(start + 2);
  if (headerLength < IPV4_HEADER) return CONTRADICTION;
  const moreFragments = (fragment & 0x2000) !== 0;
  return readDatagram(view, { start, addresses: 12, addressLength: 4, headerLength, ipLength, moreFragments });
}

function readIpv6(view: DataView, start: number): UdpDatagram | NoUdpDatagram {
  if (view.byteLength - start < IPV6_HEADER) return CUT;
  const ipLength = IPV6_HEADER + view.getUint16(start + 4);
  let protocol = view.getUint8(start + 6);
  let headerLength = IPV6_HEADER;
  let moreFragments = false;
  while (protocol === FRAGMENT || protocol === AUTHENTICATION || EXTENSIONS.includes(protocol)) {
    const at = start + headerLength;
    if (at + 8 > view.byteLength) return { kind: "cut", ipLength };
    if (protocol === FRAGMENT) {
      const fragment = view.getUint16(at + 2);
      if (fragment >> 3 !== 0) return LATER_FRAGMENT;
      moreFragments = (fragment & 1) !== 0;
      headerLength += 8;
    } else {
      const units = view.getUint8(at + 1);
      headerLength += protocol === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
    }
    protocol = view.getUint8(at);
  }
  if (protocol !== UDP) return { kind: "protocol", protocol };
  return readDatagram(view, { start, addresses: 8, addressLength: 16, headerLength, ipLength, moreFragments });
}

interface IpPacket {
  readonly start: number;
  /** Where the source address is in the header. The destination address follows it. */
  readonly addresses: number;
  readonly addressLength: number;
  /** With options and extension headers. */
  readonly headerLength: number;
  readonly ipLength: number;
  readonly moreFragments: boolean;
}

function readDatagram(view: DataView, packet: IpPacket): UdpDatagram | NoUdpDatagram {
  const { start, headerLength, ipLength, moreFragments } = packet;
  if (ipLength < headerLength + UDP_HEADER) return CONTRADICTION;
  const udp = start + headerLength;
  if (udp + UDP_HEADER > view.byteLength) return { kind: "cut", ipLength };
  const udpLength = view.getUint16(udp + 4);
  const isInPacket = udpLength <= ipLength - headerLength || moreFragments;
  if (udpLength < UDP_HEADER || !isInPacket) return CONTRADICTION;
  const end = Math.min(view.byteLength, start + Math.min(ipLength, headerLength + udpLength));
  const bytes = (from: number, to: number) => new Uint8Array(view.buffer, view.byteOffset + from, to - from);
  const source = start + packet.addresses;
  const destination = source + packet.addressLength;
  return {
    kind: "udp",
    sourceIp: bytes(source, destination),
    sourcePort: view.getUint16(udp),
    destinationIp: bytes(destination, destination + packet.addressLength),
    destinationPort: view.getUint16(udp + 2),
    isFragment: moreFragments,
    payload: bytes(udp + UDP_HEADER, end),
    length: udpLength - UDP_HEADER,
    ipLength,
  };
}
