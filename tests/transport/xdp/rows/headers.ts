/** Checksums, fragments, options, extension headers, VLANs, and the small fields of the headers. */
import {
  buildFragments,
  buildFrame,
  DONT_FRAGMENT,
  ETHERTYPE,
  EXTENSION,
  type FrameFields,
  MORE_FRAGMENTS,
} from "../../../support/link/build.ts";
import { hasVlans, VLAN } from "../network.ts";
import { QUERY_V4, QUERY_V6, REPLY } from "../outcome.ts";
import { answered, NOTHING, passed, plain, type Row, refused } from "./row.ts";

const FAMILIES = [
  ["IPv4", QUERY_V4],
  ["IPv6", QUERY_V6],
] as const;
/** Offsets of the UDP header in the frames. */
const UDP_AT = { IPv4: 34, IPv6: 54 } as const;

/** A source port with which the checksum of a packet is 0 when it is computed, and 0xffff on the wire. */
function portOfSumZero(packet: (sourcePort: number) => FrameFields): number {
  for (let sourcePort = 1; ; sourcePort++) {
    let sum = 0;
    const udpChecksum = (right: number) => {
      sum = right;
      return right;
    };
    buildFrame({ ...packet(sourcePort), udpChecksum });
    if (sum === 0xffff) return sourcePort;
  }
}

/** The reply to a query from this port. */
function replyTo({ source, destination, ...query }: FrameFields, port: number): FrameFields {
  const [sourcePort, destinationPort] = [query.destinationPort, port];
  return {
    ...query,
    source: destination,
    destination: source,
    sourcePort,
    destinationPort,
    payload: Uint8Array.fromHex(REPLY),
  };
}

export const CHECKSUMS: readonly Row[] = FAMILIES.flatMap<Row>(([family, query]) => {
  const bare: FrameFields = { ...query, udpChecksum: (_right, pseudoHeader) => pseudoHeader };
  return [
    plain(
      `${family} with a UDP checksum that is too large by one`,
      { ...query, udpChecksum: (right) => right + 1 },
      NOTHING,
    ),
    plain(
      `${family} with a UDP checksum that is too small by one`,
      { ...query, udpChecksum: (right) => right - 1 },
      NOTHING,
    ),
    plain(
      `${family} with a payload of 3 bytes and a wrong UDP checksum`,
      { ...query, payload: query.payload.subarray(0, 3), udpChecksum: (right) => right + 1 },
      NOTHING,
    ),
    plain(
      `${family} without a UDP checksum`,
      { ...query, udpChecksum: () => 0 },
      family === "IPv4" ? answered(query) : NOTHING,
    ),
    plain(`${family} with a UDP checksum of 0, which is sent as ffff,`, {
      ...query,
      sourcePort: portOfSumZero((sourcePort) => ({ ...query, sourcePort })),
    }),
    plain(`${family} whose reply has a UDP checksum of 0, which is sent as ffff,`, {
      ...query,
      sourcePort: portOfSumZero((port) => replyTo(query, port)),
    }),
    {
      what: `${family} whose UDP checksum its sender's kernel has left to the card`,
      taken: true,
      send: ({ link }) => link.sendUnfinished(buildFrame(bare), UDP_AT[family]),
      expected: answered(query),
    },
    // The kernel marks the packets of the last row, and a program of XDP cannot see the mark. So xdp takes this one for such a packet.
    {
      ...plain(`${family} with the sum of the pseudo-header as its UDP checksum`, bare, NOTHING),
      xdp: answered(query),
    },
  ];
}).concat([
  plain("IPv4 with a header checksum that is wrong by one", { ...QUERY_V4, ipChecksum: (right) => right + 1 }, NOTHING),
  plain("IPv4 with a header checksum of 0", { ...QUERY_V4, ipChecksum: () => 0 }, NOTHING),
]);

export const FIELDS: readonly Row[] = FAMILIES.flatMap(([family, query]) => [
  plain(`${family}`, query),
  ...[0, 1, 255].map((ttl) => plain(`${family} with ${ttl} hops left`, { ...query, ttl })),
  ...[0xb8, 0x01, 0x02, 0x03, 0xff].map((tos) => plain(`${family} with traffic class ${tos}`, { ...query, tos })),
  ...[1, 65_535].map((sourcePort) => plain(`${family} from port ${sourcePort}`, { ...query, sourcePort })),
  passed(`${family} from port 0`, { ...query, sourcePort: 0 }, { ...NOTHING, verdicts: { "refused-port": 1 } }),
  passed(
    `${family} to another port`,
    { ...query, destinationPort: 9 },
    refused(query, family === "IPv4" ? "type 3 code 3" : "type 1 code 4"),
  ),
  passed(
    `${family} to port 0`,
    { ...query, destinationPort: 0 },
    refused(query, family === "IPv4" ? "type 3 code 3" : "type 1 code 4"),
  ),
  passed(`${family} in a frame of another type`, { ...query, etherType: 0x88b5 }, NOTHING),
  passed(`${family} in a frame with a length instead of a type`, { ...query, etherType: 60 }, NOTHING),
  passed(`${family} in a frame of ARP`, { ...query, etherType: ETHERTYPE.arp }, NOTHING),
  passed(
    `${family} in a frame of the other IP version`,
    { ...query, etherType: family === "IPv4" ? ETHERTYPE.v6 : ETHERTYPE.v4 },
    NOTHING,
  ),
  passed(`${family} with version 5`, { ...query, version: 5 }, NOTHING),
  passed(
    `${family} with another protocol`,
    { ...query, protocol: 253 },
    refused(query, family === "IPv4" ? "type 3 code 2" : "type 4 code 1"),
  ),
]).concat([
  plain("IPv4 that must not be fragmented", { ...QUERY_V4, fragment: DONT_FRAGMENT }),
  plain("IPv4 with an identification", { ...QUERY_V4, id: 0xabcd }),
  passed("IPv4 with the reserved flag", { ...QUERY_V4, fragment: 0x8000 }),
  plain("IPv6 with a flow label", { ...QUERY_V6, flowLabel: 0xfffff }),
]);

/** IPv6 options that fill an extension header of 8 bytes, after its first byte: its length, and PadN. */
const PADDING = Uint8Array.of(0, 1, 4, 0, 0, 0, 0);
/** An option that nobody knows, and to which the answer is an error. */
const UNKNOWN_OPTION = Uint8Array.of(0, 0x9e, 4, 0, 0, 0, 0);

export const EXTENSIONS: readonly Row[] = [
  passed("IPv4 with options that do nothing", { ...QUERY_V4, options: Uint8Array.of(1, 1, 1, 0) }),
  passed("IPv4 with the option of a router alert", { ...QUERY_V4, options: Uint8Array.of(148, 4, 0, 0) }),
  passed("IPv4 with a recorded route", { ...QUERY_V4, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0) }),
  passed("IPv4 with a source route", { ...QUERY_V4, options: Uint8Array.of(131, 7, 4, 10, 9, 0, 3, 0) }, NOTHING),
  passed(
    "IPv4 with a broken option",
    { ...QUERY_V4, options: Uint8Array.of(7, 40, 4, 0) },
    refused(QUERY_V4, "type 12 code 0"),
  ),
  passed("IPv4 with a header of 4 words", { ...QUERY_V4, headerWords: 4 }, NOTHING),
  passed(
    "IPv4 with a header that is longer than the packet",
    { ...QUERY_V4, payload: new Uint8Array(0), headerWords: 15 },
    NOTHING,
  ),
  passed("IPv6 with hop-by-hop options", { ...QUERY_V6, extensions: [{ type: EXTENSION.hopByHop, rest: PADDING }] }),
  passed("IPv6 with destination options", {
    ...QUERY_V6,
    extensions: [{ type: EXTENSION.destination, rest: PADDING }],
  }),
  passed("IPv6 with two extension headers", {
    ...QUERY_V6,
    extensions: [
      { type: EXTENSION.hopByHop, rest: PADDING },
      { type: EXTENSION.destination, rest: PADDING },
    ],
  }),
  passed(
    "IPv6 with an unknown option",
    { ...QUERY_V6, extensions: [{ type: EXTENSION.destination, rest: UNKNOWN_OPTION }] },
    refused(QUERY_V6, "type 4 code 2"),
  ),
  passed("IPv6 with no next header", { ...QUERY_V6, protocol: 59 }, NOTHING),
];

function fragments(
  what: string,
  fields: FrameFields,
  cuts: readonly number[],
  order: readonly number[],
  whole: boolean,
): Row {
  const frames = buildFragments(fields, cuts);
  return {
    what,
    taken: false,
    send: ({ link }) => link.send(order.map((i) => frames[i]!)),
    expected: whole ? answered(fields) : NOTHING,
  };
}

export const FRAGMENTS: readonly Row[] = FAMILIES.flatMap(([family, query], i) => {
  // Each row needs an identification of its own, because incomplete datagrams wait.
  const fields = (n: number) => ({ ...query, id: 100 * i + n });
  return [
    fragments(`the first fragment of ${family}`, fields(1), [8, 16], [0], false),
    fragments(`the middle fragment of ${family}`, fields(2), [8, 16], [1], false),
    fragments(`the last fragment of ${family}`, fields(3), [8, 16], [2], false),
    fragments(`${family} in two fragments`, fields(4), [8], [0, 1], true),
    fragments(`${family} in three fragments in another order`, fields(5), [8, 16], [2, 0, 1], true),
  ];
}).concat([
  fragments("IPv6 with a fragment header that is the whole packet", { ...QUERY_V6, id: 300 }, [], [0], true),
  passed(
    "a fragment of IPv4 that looks like a whole datagram, and is the first",
    { ...QUERY_V4, id: 301, fragment: MORE_FRAGMENTS },
    NOTHING,
  ),
  passed(
    "a fragment of IPv4 that looks like a whole datagram, and is the last",
    { ...QUERY_V4, id: 302, fragment: 1 },
    NOTHING,
  ),
]);

const ON_VLAN = { ...QUERY_V4, source: VLAN.client, destination: VLAN.server, vlan: VLAN.number };

export const VLANS: readonly Row[] = [
  passed("a frame of a VLAN that the host is not in", { ...QUERY_V4, vlan: VLAN.absent }, NOTHING),
  passed("IPv6 in such a frame", { ...QUERY_V6, vlan: VLAN.absent }, NOTHING),
  passed("a frame of VLAN 0, which has a priority only", { ...QUERY_V4, vlan: 0xe000 }),
  ...(hasVlans
    ? [passed("a frame of a VLAN that the host is in", ON_VLAN, answered(ON_VLAN, { vlan: VLAN.number }))]
    : []),
];
