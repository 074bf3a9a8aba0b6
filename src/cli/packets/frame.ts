/** The payload of a UDP packet that was captured with its headers. */

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const PROTOCOL_UDP = 17;
const UDP_HEADER = 8;

/**
 * Link-layer headers: where their EtherType is, and how long they are. Ethernet, Ethernet with a VLAN tag, and those of
 * Linux's `any` interface (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2).
 */
const LINKS = [
  { etherType: 12, length: 14 },
  { etherType: 16, length: 18, vlan: true },
  { etherType: 14, length: 16 },
  { etherType: 0, length: 20 },
] as const;

/**
 * The payload of an IPv4 or IPv6 packet, with or without a link-layer header before it.
 *
 * @returns the payload, or a text that says why there is none; it continues a sentence that begins with `a dump`
 */
export function udpPayload(frame: Uint8Array): Uint8Array | string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let reason: string | undefined;
  for (const start of ipHeaders(view)) {
    const payload = ipPayload(view, start);
    if (typeof payload !== "string") return payload;
    reason ??= payload;
  }
  return reason ?? "that is neither an IP packet nor a packet of this protocol";
}

/** Where an IP header may begin. An address at the start of a frame can look like an IP header, so there may be several. */
function* ipHeaders(view: DataView): Generator<number> {
  for (const link of LINKS) {
    if (view.byteLength <= link.length) continue;
    if ("vlan" in link && view.getUint16(link.etherType - 4) !== ETHERTYPE_VLAN) continue;
    const version = { [ETHERTYPE_IPV4]: 4, [ETHERTYPE_IPV6]: 6 }[view.getUint16(link.etherType)];
    if (version === view.getUint8(link.length) >> 4) yield link.length;
  }
  const version = view.byteLength === 0 ? 0 : view.getUint8(0) >> 4;
  if (version === 4 || version === 6) yield 0;
}

function ipPayload(view: DataView, start: number): Uint8Array | string {
  const captured = view.byteLength - start;
  const ipv4 = view.getUint8(start) >> 4 === 4;
  const headerLength = ipv4 ? (view.getUint8(start) & 15) * 4 : 40;
  if (captured < Math.max(20, headerLength)) return "that is cut short: it ends in the IP header";
  const length = ipv4 ? view.getUint16(start + 2) : headerLength + view.getUint16(start + 4);
  const protocol = view.getUint8(start + (ipv4 ? 9 : 6));
  if (protocol !== PROTOCOL_UDP) return `of IP protocol ${protocol}, not of UDP (${PROTOCOL_UDP})`;
  // The flag "more fragments" and the fragment's offset.
  if (ipv4 && (view.getUint16(start + 6) & 0x3fff) !== 0) return "of an IP fragment, not of a whole packet";
  if (captured < length)
    return `that is cut short: the IP packet has ${length} bytes, the dump has ${captured} of them`;
  const udp = start + headerLength;
  const udpLength = length >= headerLength + UDP_HEADER ? view.getUint16(udp + 4) : 0;
  if (headerLength < 20 || udpLength < UDP_HEADER || udpLength > length - headerLength) {
    return "whose IP and UDP headers contradict each other";
  }
  return new Uint8Array(view.buffer, view.byteOffset + udp + UDP_HEADER, udpLength - UDP_HEADER);
}
