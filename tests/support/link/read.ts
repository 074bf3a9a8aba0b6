/** Reads Ethernet frames, independently of the code under test. */
import { ipToText } from "../../../src/codec/index.ts";
import { addressBytes, DONT_FRAGMENT, ETHERNET_SIZE, ETHERTYPE, UDP } from "./build.ts";
import { folded, pseudoHeaderSum, sumOf } from "./sums.ts";

export interface IpPacket {
  readonly destinationMac: string;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  readonly tos: number;
  readonly ttl: number;
  readonly protocol: number;
  /** What follows the IP header. */
  readonly body: Uint8Array;
  /** IPv4: whether its header forbids fragments. */
  readonly dontFragment?: boolean;
  /** IPv4: whether the checksum of its header is right. */
  readonly checksum?: "right" | "wrong";
}

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  /** `pseudo-header`: the sum of the pseudo-header alone. A kernel leaves the rest to a card, and none of a veth computes it. */
  readonly checksum: "right" | "wrong" | "none" | "pseudo-header";
}

/** @returns undefined if it is neither IPv4 nor IPv6 */
export function readIp(frame: Uint8Array): IpPacket | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const type = view.getUint16(12);
  if (type !== ETHERTYPE.v4 && type !== ETHERTYPE.v6) return undefined;
  const ip = ETHERNET_SIZE;
  const macs = { destinationMac: macText(frame.subarray(0, 6)), sourceMac: macText(frame.subarray(6, 12)) };
  if (type === ETHERTYPE.v6) {
    return {
      ...macs,
      source: ipToText(frame.subarray(ip + 8, ip + 24))!,
      destination: ipToText(frame.subarray(ip + 24, ip + 40))!,
      tos: (view.getUint16(ip) >>> 4) & 0xff,
      ttl: frame[ip + 7]!,
      protocol: frame[ip + 6]!,
      body: frame.subarray(ip + 40, ip + 40 + view.getUint16(ip + 4)),
    };
  }
  const size = (frame[ip]! & 15) * 4;
  return {
    ...macs,
    source: ipToText(frame.subarray(ip + 12, ip + 16))!,
    destination: ipToText(frame.subarray(ip + 16, ip + 20))!,
    tos: frame[ip + 1]!,
    ttl: frame[ip + 8]!,
    protocol: frame[ip + 9]!,
    body: frame.subarray(ip + size, ip + view.getUint16(ip + 2)),
    dontFragment: (view.getUint16(ip + 6) & DONT_FRAGMENT) !== 0,
    checksum: folded(sumOf(frame, ip, ip + size)) === 0xffff ? "right" : "wrong",
  };
}

/** @returns undefined if it is no UDP datagram, or if its lengths contradict each other */
export function readUdp({ source, destination, protocol, body }: IpPacket): UdpDatagram | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (protocol !== UDP || body.length < 8 || view.getUint16(4) !== body.length) return undefined;
  const pseudoHeader = pseudoHeaderSum(addressBytes(source), addressBytes(destination), UDP, body.length);
  const checksum = view.getUint16(6);
  const right = folded(pseudoHeader + sumOf(body, 0, body.length)) === 0xffff;
  const unfinished = checksum === folded(pseudoHeader);
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    payload: body.slice(8),
    checksum: checksum === 0 ? "none" : right ? "right" : unfinished ? "pseudo-header" : "wrong",
  };
}

function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
