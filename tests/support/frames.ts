/** Packets as they are on a network, built by hand: UDP, IP, link. */

const QUERY_PORT = 22025;

/** Two bytes, big-endian. */
const u16 = (n: number) => [n >> 8, n & 255];

interface Ports {
  readonly from?: number;
  readonly to?: number;
}

interface Ipv4 extends Ports {
  readonly protocol?: number;
  /** Flags and offset of a fragment. */
  readonly flags?: number;
  /** Bytes of options. */
  readonly options?: number;
  /** Bytes of the IP packet's payload that are left out, since they are in later fragments. */
  readonly later?: number;
}

interface Ipv6 extends Ports {
  /** Extension headers, each with its number, and with its first byte replaced by the number of the next header. */
  readonly extensions?: readonly (readonly [type: number, bytes: readonly number[]])[];
  readonly later?: number;
}

function udp(payload: Uint8Array, { from = 40000, to = QUERY_PORT }: Ports): number[] {
  return [...u16(from), ...u16(to), ...u16(8 + payload.length), 0, 0, ...payload];
}

/** From 10.0.0.1 to 10.0.0.2. */
export function ipv4(
  payload: Uint8Array,
  { protocol = 17, flags = 0x4000, options = 0, later = 0, ...ports }: Ipv4 = {},
) {
  const content = udp(payload, ports).slice(0, 8 + payload.length - later);
  const length = 20 + options + content.length;
  const first = [0x45 + options / 4, 0, ...u16(length), 0, 1, ...u16(flags), 64, protocol, 0, 0];
  return [...first, 10, 0, 0, 1, 10, 0, 0, 2, ...new Array<number>(options).fill(1), ...content];
}

/** From 2001:db8::1 to the same. */
export function ipv6(payload: Uint8Array, { extensions = [], later = 0, ...ports }: Ipv6 = {}): number[] {
  const address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const types = [...extensions.map(([type]) => type), 17];
  const headers = extensions.flatMap(([, [, ...rest]], i) => [types[i + 1]!, ...rest]);
  const content = [...headers, ...udp(payload, ports).slice(0, 8 + payload.length - later)];
  return [0x60, 0, 0, 0, ...u16(content.length), types[0]!, 64, ...address, ...address, ...content];
}

export const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

/** An Ethernet frame. */
export function ethernet(ip: readonly number[]): number[] {
  return [...MACS, ...(ip[0]! >> 4 === 4 ? [0x08, 0] : [0x86, 0xdd]), ...ip];
}
