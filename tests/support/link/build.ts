/** Builds Ethernet frames with IPv4 or IPv6 in them. Every field can be set; lengths and checksums are right by default. */
import { writeAddress } from "../../../src/transport/address.ts";
import { folded, pseudoHeaderSum, sumOf } from "./sums.ts";

export const ETHERNET_SIZE = 14;
export const UDP = 17;
export const ETHERTYPE = { v4: 0x0800, arp: 0x0806, vlan: 0x8100, v6: 0x86dd } as const;
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;
/** The IPv6 extension headers that tests use, by their number. */
export const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

/** Changes a checksum. It gets the right one, and the sum of the pseudo-header alone (0 for the header of IPv4). */
type Checksum = (right: number, pseudoHeader: number) => number;

export interface FrameFields {
  /** MAC addresses as `02:00:00:00:00:01`, or as their six bytes. */
  readonly destinationMac: string | Uint8Array;
  readonly sourceMac: string | Uint8Array;
  /** Number of the VLAN, for a frame with a tag of 802.1Q. */
  readonly vlan?: number | undefined;
  readonly etherType?: number | undefined;
  /** IP addresses as text, or as their 4 or 16 bytes. The destination decides between IPv4 and IPv6. */
  readonly source: string | Uint8Array;
  readonly destination: string | Uint8Array;
  /** Version of IP, if the header is to have another one. */
  readonly version?: number | undefined;
  /** Type of service or traffic class: DSCP and ECN. */
  readonly tos?: number | undefined;
  /** Time to live or hop limit: 64 by default. */
  readonly ttl?: number | undefined;
  /** The protocol of the body: UDP by default. */
  readonly protocol?: number | undefined;
  /** IPv4: the identification of fragments. */
  readonly id?: number | undefined;
  /** IPv4: flags and offset of a fragment, as in the header. */
  readonly fragment?: number | undefined;
  /** IPv4: options, a multiple of 4 bytes. */
  readonly options?: Uint8Array | undefined;
  /** IPv4: length of the header in words, if it is to be a wrong one. */
  readonly headerWords?: number | undefined;
  /** Length field of the IP header, if it is to be a wrong one. */
  readonly ipLength?: number | undefined;
  /** IPv4: checksum of the header, if it is to be another than the right one. */
  readonly ipChecksum?: Checksum | undefined;
  readonly flowLabel?: number | undefined;
  /** IPv6: extension headers, without their first byte, which is set here. */
  readonly extensions?: readonly { readonly type: number; readonly rest: Uint8Array }[] | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  /** Length field of the UDP header, if it is to be a wrong one. */
  readonly udpLength?: number | undefined;
  readonly udpChecksum?: Checksum | undefined;
  /** What the UDP datagram carries. */
  readonly payload?: Uint8Array | undefined;
  /** What follows the IP header instead of a UDP datagram. */
  readonly body?: Uint8Array | undefined;
  /** Bytes after the IP packet, as a padded frame has them. */
  readonly trailer?: Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

/** The 4 or 16 bytes of an address. */
export function addressBytes(address: string | Uint8Array): Uint8Array {
  if (typeof address !== "string") return address;
  const bytes = new Uint8Array(16);
  writeAddress(address, bytes, 0);
  return address.includes(":") ? bytes : bytes.subarray(12);
}

export function macBytes(mac: string | Uint8Array): Uint8Array {
  return typeof mac === "string" ? Uint8Array.from(mac.split(":"), (byte) => Number.parseInt(byte, 16)) : mac;
}

/** A frame of these fields. */
export function buildFrame(fields: FrameFields): Uint8Array<ArrayBuffer> {
  const { payload = NOTHING, body, trailer = NOTHING, options = NOTHING, extensions = [] } = fields;
  const rest = extensions.reduce((sum, extension) => sum + 1 + extension.rest.length, 0);
  const bytes = new Uint8Array(
    ETHERNET_SIZE + 4 + 40 + options.length + rest + 8 + (body ?? payload).length + trailer.length,
  );
  return bytes.subarray(0, writeFrame(bytes, 0, fields));
}

/** Writes a frame of these fields into `bytes` from `at` on. @returns its length */
export function writeFrame(bytes: Uint8Array, at: number, fields: FrameFields): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const source = addressBytes(fields.source);
  const destination = addressBytes(fields.destination);
  const v6 = destination.length === 16;
  bytes.set(macBytes(fields.destinationMac), at);
  bytes.set(macBytes(fields.sourceMac), at + 6);
  let ip = at + ETHERNET_SIZE;
  if (fields.vlan !== undefined) {
    view.setUint16(at + 12, ETHERTYPE.vlan);
    view.setUint16(at + 14, fields.vlan);
    ip += 4;
  }
  view.setUint16(ip - 2, fields.etherType ?? (v6 ? ETHERTYPE.v6 : ETHERTYPE.v4));
  const bodyAt = v6
    ? writeIpv6(bytes, view, ip, fields, source, destination)
    : writeIpv4(bytes, view, ip, fields, source, destination);
  const end =
    fields.body === undefined
      ? writeUdp(bytes, view, bodyAt, fields, source, destination)
      : bodyAt + fields.body.length;
  if (fields.body !== undefined) bytes.set(fields.body, bodyAt);
  if (v6) view.setUint16(ip + 4, fields.ipLength ?? end - ip - 40);
  else {
    view.setUint16(ip + 2, fields.ipLength ?? end - ip);
    view.setUint16(ip + 10, 0);
    const right = ~folded(sumOf(bytes, ip, bodyAt)) & 0xffff;
    view.setUint16(ip + 10, fields.ipChecksum === undefined ? right : fields.ipChecksum(right, 0));
  }
  const { trailer = NOTHING } = fields;
  bytes.set(trailer, end);
  return end + trailer.length - at;
}

/** All but length and checksum. @returns where its body starts */
function writeIpv4(
  bytes: Uint8Array,
  view: DataView,
  ip: number,
  { options = NOTHING, ...fields }: FrameFields,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  const size = 20 + options.length;
  view.setUint8(ip, ((fields.version ?? 4) << 4) | (fields.headerWords ?? size / 4));
  view.setUint8(ip + 1, fields.tos ?? 0);
  view.setUint16(ip + 4, fields.id ?? 0);
  view.setUint16(ip + 6, fields.fragment ?? 0);
  view.setUint8(ip + 8, fields.ttl ?? 64);
  view.setUint8(ip + 9, fields.protocol ?? UDP);
  bytes.set(source, ip + 12);
  bytes.set(destination, ip + 16);
  bytes.set(options, ip + 20);
  return ip + size;
}

/** All but the length. @returns where its body starts */
function writeIpv6(
  bytes: Uint8Array,
  view: DataView,
  ip: number,
  { extensions = [], ...fields }: FrameFields,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  view.setUint32(ip, ((fields.version ?? 6) << 28) | ((fields.tos ?? 0) << 20) | (fields.flowLabel ?? 0));
  view.setUint8(ip + 7, fields.ttl ?? 64);
  bytes.set(source, ip + 8);
  bytes.set(destination, ip + 24);
  let end = ip + 40;
  // Each header has the type of the next one: the first in byte 6, the others in their first byte.
  let typeAt = ip + 6;
  for (const { type, rest } of extensions) {
    bytes[typeAt] = type;
    typeAt = end;
    bytes.set(rest, end + 1);
    end += 1 + rest.length;
  }
  bytes[typeAt] = fields.protocol ?? UDP;
  return end;
}

/** @returns where the datagram ends */
function writeUdp(
  bytes: Uint8Array,
  view: DataView,
  udp: number,
  { payload = NOTHING, ...fields }: FrameFields,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  const length = 8 + payload.length;
  view.setUint16(udp, fields.sourcePort ?? 0);
  view.setUint16(udp + 2, fields.destinationPort ?? 0);
  view.setUint16(udp + 4, fields.udpLength ?? length);
  view.setUint16(udp + 6, 0);
  bytes.set(payload, udp + 8);
  const pseudoHeader = pseudoHeaderSum(source, destination, UDP, fields.udpLength ?? length);
  // 0 means: no checksum.
  const right = ~folded(pseudoHeader + sumOf(bytes, udp, udp + length)) & 0xffff || 0xffff;
  view.setUint16(udp + 6, fields.udpChecksum === undefined ? right : fields.udpChecksum(right, folded(pseudoHeader)));
  return udp + length;
}

/** The UDP datagram of these fields, for a `body`. */
export function udpDatagram(fields: FrameFields): Uint8Array<ArrayBuffer> {
  const { payload = NOTHING } = fields;
  const bytes = new Uint8Array(8 + payload.length);
  writeUdp(bytes, new DataView(bytes.buffer), 0, fields, addressBytes(fields.source), addressBytes(fields.destination));
  return bytes;
}

/**
 * The fragments of a UDP datagram, cut at these offsets.
 *
 * @param cuts - ascending multiples of 8; without any, one fragment that is the whole datagram
 */
export function buildFragments(fields: FrameFields, cuts: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const datagram = udpDatagram(fields);
  const v6 = addressBytes(fields.destination).length === 16;
  return [0, ...cuts].map((from, i) => {
    const to = cuts[i] ?? datagram.length;
    const more = to < datagram.length;
    const body = datagram.subarray(from, to);
    if (!v6) return buildFrame({ ...fields, body, fragment: (from / 8) | (more ? MORE_FRAGMENTS : 0) });
    const rest = new Uint8Array(7);
    new DataView(rest.buffer).setUint16(1, from | (more ? 1 : 0));
    new DataView(rest.buffer).setUint32(3, fields.id ?? 0);
    return buildFrame({ ...fields, body, extensions: [{ type: EXTENSION.fragment, rest }] });
  });
}
