/** The payload of a UDP packet in a hex dump, which does not say what kind of network the packet was captured from. */
import { readUdp } from "./ip.ts";
import { findInCooked, findInCooked2, findInEthernet, findRaw } from "./link.ts";

/**
 * The payload of an IPv4 or IPv6 packet, with or without a link-layer header before it.
 *
 * @returns the payload, or a text that says why there is none; it continues a sentence that begins with `a dump`
 */
export function udpPayload(frame: Uint8Array): Uint8Array | string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let reason: string | undefined;
  // An address at the start of a frame can look like an IP header, so several of these may find one.
  for (const findIp of [findInEthernet, findInCooked, findInCooked2, findRaw]) {
    const start = findIp(view);
    if (start < 0) continue;
    const payload = payloadAt(view, start);
    if (typeof payload !== "string") return payload;
    reason ??= payload;
  }
  return reason ?? "that is neither an IP packet nor a packet of this protocol";
}

function payloadAt(view: DataView, start: number): Uint8Array | string {
  const read = readUdp(view, start);
  switch (read.kind) {
    case "protocol":
      return `of IP protocol ${read.protocol}, not of UDP (17)`;
    case "fragment":
      return "of an IP fragment, not of a whole packet";
    case "contradiction":
      return "whose IP and UDP headers contradict each other";
    case "cut":
      if (read.ipLength === undefined) return "that is cut short: it ends in the IP header";
      return cutShort(read.ipLength, view.byteLength - start);
    case "udp":
      if (read.isFragment) return "of an IP fragment, not of a whole packet";
      if (read.payload.length < read.length) return cutShort(read.ipLength, view.byteLength - start);
      return read.payload;
  }
}

function cutShort(length: number, captured: number): string {
  return `that is cut short: the IP packet has ${length} bytes, the dump has ${captured} of them`;
}
