/** The outcome of frames that were sent to a server: its counters, and the frames that came back. */
import { buildFrame, type FrameFields, UDP } from "../../support/link/build.ts";
import type { ReceivedFrame } from "../../support/link/link.ts";
import { readIp, readUdp } from "../../support/link/read.ts";
import { announcement, ascii, hex, query } from "../../support/packets.ts";
import { CLIENT, CLIENT_MAC, PORT, SERVER, SERVER_MAC } from "./network.ts";
import type { Counts } from "./server.ts";
import type { Site } from "./site.ts";

/** The node that queries ask for, and the reply. It has announced itself from the client's address. */
const NODE = ascii("KNOWN");
const NODE_PORT = 4712;
export const QUERY = query(NODE);
export const REPLY = hex(announcement(NODE, NODE_PORT, Uint8Array.of(10, 9, 0, 2)));

/** A packet that left the server's host: UDP, or an error of ICMP. */
export type Sent =
  | {
      /** Address and port. */
      readonly from: string;
      readonly to: string;
      readonly fromMac: string;
      readonly toMac: string;
      readonly vlan: number | undefined;
      readonly ttl: number;
      readonly tos: number;
      /** IPv4: whether routers must not fragment it. */
      readonly dontFragment: boolean | undefined;
      /** Whether all checksums are right. */
      readonly valid: boolean;
      readonly payload: string;
    }
  | { readonly icmp: string; readonly from: string; readonly to: string };

export interface Outcome {
  /** Verdicts that are not zero. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly unsent: number;
  readonly sent: readonly Sent[];
  /** How many packets the kernel's network stack received. */
  readonly kernel: number;
}

/** Sends frames to a server. */
export type Send = (site: Site) => void;

/** A query over IPv4 from the client to the server's first address. */
export const QUERY_V4 = {
  destinationMac: SERVER_MAC,
  sourceMac: CLIENT_MAC,
  source: CLIENT.v4,
  destination: SERVER.v4,
  sourcePort: 4000,
  destinationPort: PORT,
  payload: QUERY,
} satisfies FrameFields;
/** The same over IPv6. */
export const QUERY_V6 = { ...QUERY_V4, source: CLIENT.v6, destination: SERVER.v6 } satisfies FrameFields;

const ICMP = 1;
const ICMPV6 = 58;
/** From here on, types of ICMPv6 are not errors. */
const ICMPV6_INFORMATION = 128;
const ICMP_ERRORS = [3, 4, 5, 11, 12];

/** Ports of {@link MARKERS}. */
const MARKER_PORTS = [65_001, 65_002];
/** Two queries: one that a program of the transport xdp takes, and one that it leaves to the kernel, because it has an option. */
const MARKERS = [
  buildFrame({ ...QUERY_V4, sourcePort: MARKER_PORTS[0] }),
  buildFrame({ ...QUERY_V4, sourcePort: MARKER_PORTS[1], options: Uint8Array.of(1, 1, 1, 0) }),
];
/**
 * How often the markers are sent, each time after the replies to the last ones. When the first are answered, the packets before
 * them are in their sockets. A wait for all sockets that began before that may have reported only the markers' socket; the
 * next one reports all, but the markers' socket may be handled first. When the third are answered, all is done.
 */
const ROUNDS = 3;
/** How long to wait for what must come, in ms. */
const WAIT_MS = 10_000;

/** Has the server store the node that queries ask for. */
export async function announceNode(site: Site): Promise<void> {
  site.link.send([buildFrame({ ...QUERY_V4, payload: announcement(NODE, NODE_PORT) })]);
  const end = performance.now() + WAIT_MS;
  while ((await site.counts()).verdicts.stored !== 1) {
    if (performance.now() > end) throw new Error("the server has not stored the node");
  }
}

/**
 * Sends frames and reports their outcome. Returns when the server has handled them.
 *
 * @param expected - number of packets that should come back; waits for them for some time
 */
export async function outcome(site: Site, send: Send, expected: number): Promise<Outcome> {
  const before = await site.counts();
  send(site);
  const sent: Sent[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    site.link.send(MARKERS);
    const missing = new Set(MARKER_PORTS);
    await collect(
      site,
      () => missing.size > 0,
      (packet) => {
        if (!("icmp" in packet) && missing.delete(Number(packet.to.split(" ")[1]))) return;
        sent.push(packet);
      },
    );
    if (missing.size > 0) throw new Error("a query of the test itself was not answered");
  }
  await collect(
    site,
    () => sent.length < expected,
    (packet) => sent.push(packet),
  );
  return difference(before, await site.counts(), site, sent);
}

/**
 * Sends a query again and again until it has this outcome, and goes past the kernel if the transport xdp answers it. That takes a
 * moment after a change of the host's addresses.
 *
 * @throws {Error} if it never has it
 */
export async function settled(site: Site, fields: FrameFields, expected: Omit<Outcome, "kernel">): Promise<void> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const { kernel, ...result } = await outcome(site, ({ link }) => link.send([buildFrame(fields)]), 0);
    const isPast =
      kernel === 0 || site.kind === "mmsg" || expected.verdicts.answered !== 1 || expected.sent.length === 0;
    if (isPast && Bun.deepEquals(result, expected)) return;
    if (performance.now() > end) throw new Error(`it is still ${JSON.stringify({ kernel, ...result })}`);
  }
}

/** Receives packets while `more` is true, or until none comes for long. */
async function collect({ link }: Site, more: () => boolean, take: (packet: Sent) => void): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (more() && performance.now() < end) {
    for (const frame of link.receive(100)) {
      const packet = read(frame);
      if (packet !== undefined) take(packet);
    }
  }
}

function difference(before: Counts, after: Counts, { kind }: Site, sent: readonly Sent[]): Outcome {
  const verdicts: Record<string, number> = {};
  for (const [verdict, count] of Object.entries(after.verdicts)) {
    const markers = verdict === "answered" ? ROUNDS * MARKERS.length : 0;
    const more = count - before.verdicts[verdict as keyof Counts["verdicts"]] - markers;
    if (more !== 0) verdicts[verdict] = more;
  }
  const kernelMarkers = kind === "mmsg" ? MARKERS.length : 1;
  return {
    verdicts,
    unsent: after.unsent - before.unsent,
    sent,
    kernel: after.kernel - before.kernel - ROUNDS * kernelMarkers,
  };
}

/** @returns undefined for what is neither UDP nor an error: neighbour discovery and the like */
function read({ bytes, vlan, checksumNotReady }: ReceivedFrame): Sent | undefined {
  const packet = readIp(bytes);
  if (packet === undefined) return undefined;
  const { source, destination, protocol, body } = packet;
  if (protocol === UDP) {
    const udp = readUdp(packet);
    const checksum = udp?.checksum === "right" || (checksumNotReady && udp?.checksum === "pseudo-header");
    return {
      from: `${source} ${udp?.sourcePort}`,
      to: `${destination} ${udp?.destinationPort}`,
      fromMac: packet.sourceMac,
      toMac: packet.destinationMac,
      vlan,
      ttl: packet.ttl,
      tos: packet.tos,
      dontFragment: packet.dontFragment,
      valid: checksum && packet.checksum !== "wrong",
      payload: hex(udp?.payload ?? body),
    };
  }
  const error =
    protocol === ICMP ? ICMP_ERRORS.includes(body[0]!) : protocol === ICMPV6 && body[0]! < ICMPV6_INFORMATION;
  return error ? { icmp: `type ${body[0]} code ${body[1]}`, from: source, to: destination } : undefined;
}
