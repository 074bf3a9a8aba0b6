// Which frames of a capture are datagrams of the protocol, behind each kind of header.
import { describe, expect, test } from "bun:test";
import { NO_TIME } from "../../../src/cli/pcap/clock.ts";
import { Datagrams } from "../../../src/cli/pcap/datagrams.ts";
import { ethernet, ipv4, ipv6, MACS } from "../../support/frames.ts";
import { ascii, hex, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

const QUERY = query(ascii("NODE-A"));
const PORTS = [21025, 22025];

const ETHERNET = 1;
const RAW = 101;

function find(bytes: readonly number[], linkType = ETHERNET, ports: readonly number[] = PORTS) {
  const datagrams = new Datagrams(ports);
  const found = datagrams.find({ number: 1, linkType, bytes: Uint8Array.from(bytes), time: [0, 0], clock: NO_TIME });
  return { found, summary: datagrams.summary() };
}

function reason(bytes: readonly number[], linkType = ETHERNET): string | undefined {
  const { found, summary } = find(bytes, linkType);
  expect(found).toBeUndefined();
  return summary?.replace("of 1 packet, these are not shown: 1 ", "");
}

const cooked = [0, 0, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0];
const cooked2 = new Array<number>(18).fill(1);

describe("a datagram is found", () => {
  test.each([
    ["in Ethernet", ETHERNET, ethernet(ipv4(QUERY))],
    ["in Ethernet with padding", ETHERNET, [...ethernet(ipv4(QUERY)), 0, 0, 0, 0]],
    ["in Ethernet with a VLAN tag", ETHERNET, [...MACS, 0x81, 0, 0, 7, 0x86, 0xdd, ...ipv6(QUERY)]],
    ["in Ethernet with two VLAN tags", ETHERNET, [...MACS, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 8, 0, ...ipv4(QUERY)]],
    ["without a link layer", RAW, ipv4(QUERY)],
    ["without a link layer, of IPv6", 229, ipv6(QUERY)],
    ["of Linux's any interface", 113, [...cooked, 8, 0, ...ipv4(QUERY)]],
    ["of Linux's any interface, with a VLAN tag", 113, [...cooked, 0x81, 0, 0, 7, 8, 0, ...ipv4(QUERY)]],
    ["of Linux's any interface, version 2", 276, [0x86, 0xdd, ...cooked2, ...ipv6(QUERY)]],
    ["of a loopback interface of a little-endian BSD", 0, [30, 0, 0, 0, ...ipv6(QUERY)]],
    ["of a loopback interface of a big-endian BSD", 0, [0, 0, 0, 2, ...ipv4(QUERY)]],
    ["of a loopback interface of OpenBSD", 108, [0, 0, 0, 24, ...ipv6(QUERY)]],
    ["behind options of IPv4", ETHERNET, ethernet(ipv4(QUERY, { options: 40 }))],
    [
      "behind hop-by-hop options of IPv6",
      ETHERNET,
      ethernet(ipv6(QUERY, { extensions: [[0, [0, 0, 1, 4, 0, 0, 0, 0]]] })),
    ],
    [
      "behind several extension headers of IPv6",
      ETHERNET,
      ethernet(
        ipv6(QUERY, {
          extensions: [
            [0, [0, 1, ...new Array<number>(14).fill(0)]],
            [60, [0, 0, 1, 4, 0, 0, 0, 0]],
            [51, [0, 1, ...new Array<number>(10).fill(0)]],
            // A fragment header on a packet that is whole (RFC 6946).
            [44, [0, 0, 0, 0, 0, 0, 0, 1]],
          ],
        }),
      ),
    ],
  ])("%s", (_, linkType, bytes) => {
    const { found, summary } = find(bytes, linkType);
    expect(hex(found!.payload)).toBe(hex(QUERY));
    expect(found).toMatchObject({ sourcePort: 40000, destinationPort: 22025, isFragment: false, length: QUERY.length });
    expect(summary).toBeUndefined();
  });

  test.each([
    ["to a port of the protocol", { to: 21025 }, ascii("?")],
    ["from a port of the protocol", { from: 22025, to: 40000 }, ascii("?")],
    ["of other ports if it begins with a magic number", { to: 53 }, Uint8Array.of(0x20, 0x12, 0x10, 0x25, 9)],
  ])("%s", (_, ports, payload) => {
    expect(hex(find(ipv6(payload, ports), RAW).found!.payload)).toBe(hex(payload));
  });

  test("of the given ports instead", () => {
    expect(find(ipv4(ascii("?"), { to: 4000 }), RAW, [4000]).found).toBeDefined();
    expect(find(ipv4(ascii("?")), RAW, [4000]).found).toBeUndefined();
  });

  test("if it is the first fragment, or was captured only in part, which can be told", () => {
    const first = find(ethernet(ipv4(QUERY, { flags: 0x2000, later: 8 }))).found;
    expect(first).toMatchObject({ isFragment: true, length: 16, payload: QUERY.subarray(0, 8) });
    const first6 = find(ethernet(ipv6(QUERY, { extensions: [[44, [0, 0, 0, 1, 0, 0, 0, 1]]], later: 8 }))).found;
    expect(first6).toMatchObject({ isFragment: true, length: 16, payload: QUERY.subarray(0, 8) });
    const cut = find(ethernet(ipv6(QUERY)).slice(0, -10)).found;
    expect(cut).toMatchObject({ isFragment: false, length: 16, payload: QUERY.subarray(0, 6) });
  });
});

describe("a frame is not shown, but counted, if it has", () => {
  const fragment = (offset: number): [number, number[]] => [44, [0, 0, 0, offset, 0, 0, 0, 1]];
  test.each([
    ["another port", ethernet(ipv4(ascii("?"), { to: 53 })), "UDP of other ports"],
    ["TCP", ethernet(ipv4(QUERY, { protocol: 6 })), "other protocols"],
    ["ARP", [...MACS, 8, 6, ...ipv4(QUERY)], "other protocols"],
    ["an EtherType that its IP header contradicts", [...MACS, 8, 0, 0x15, ...ipv4(QUERY)], "other protocols"],
    ["a later fragment of IPv4", ethernet(ipv4(QUERY, { flags: 0x0001 })), "later fragments, without ports"],
    [
      "a later fragment of IPv6",
      ethernet(ipv6(QUERY, { extensions: [fragment(8)] })),
      "later fragments, without ports",
    ],
    ["no whole Ethernet header", MACS, "cut off before the ports"],
    ["no IP header", ethernet(ipv4(QUERY)).slice(0, 14), "cut off before the ports"],
    ["no whole IP header", ethernet(ipv6(QUERY)).slice(0, 50), "cut off before the ports"],
    ["no whole UDP header", ethernet(ipv4(QUERY)).slice(0, 40), "cut off before the ports"],
    [
      "no whole extension header",
      ethernet(ipv6(QUERY, { extensions: [[60, [0, 0, 1, 4, 0, 0, 0, 0]]] })).slice(0, 60),
      "cut off before the ports",
    ],
    ["an IP header of 4 bytes", ethernet(ipv4(QUERY).with(0, 0x41)), "headers that contradict each other"],
    [
      "a UDP packet longer than its IP packet",
      ethernet(ipv4(QUERY).with(24, 255)),
      "headers that contradict each other",
    ],
    ["a UDP packet shorter than its header", ethernet(ipv4(QUERY).with(25, 7)), "headers that contradict each other"],
  ])("%s", (_, bytes, expected) => {
    expect(reason(bytes)).toBe(expected);
  });

  test("a link of another type", () => {
    expect(reason(ipv4(QUERY), 127)).toBe("link type 127, which is not supported");
    expect(reason([7, 0, 0, 0, ...ipv4(QUERY)], 0)).toBe("other protocols");
    expect(reason([7], 0)).toBe("cut off before the ports");
  });

  test("any bytes at all, of any link type, without an exception", () => {
    const random = new Random(17);
    const frames = [ethernet(ipv4(QUERY, { options: 4 })), ethernet(ipv6(QUERY, { extensions: [fragment(0)] }))];
    let found = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from(random.pick(frames)).slice(0, random.once(2) ? random.below(90) : 90);
      for (let n = random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.word();
      if (find([...bytes], random.pick([0, 1, 1, 1, 101, 108, 113, 276])).found !== undefined) found++;
    }
    expect(found).toBeGreaterThan(1000);
  });
});

test("the summary names each reason with its number", () => {
  const datagrams = new Datagrams(PORTS);
  expect(datagrams.summary()).toBe("the capture has no packets");
  const frames = [
    ipv4(QUERY),
    ipv4(QUERY, { protocol: 6 }),
    ipv4(QUERY, { protocol: 1 }),
    ipv6(ascii("?"), { to: 53 }),
  ];
  for (const [i, bytes] of frames.entries()) {
    datagrams.find({ number: i + 1, linkType: RAW, bytes: Uint8Array.from(bytes), time: [0, 0], clock: NO_TIME });
  }
  expect(datagrams.summary()).toBe("of 4 packets, these are not shown: 2 other protocols; 1 UDP of other ports");
});

test("the summary is short even if a capture has thousands of link types", () => {
  const datagrams = new Datagrams(PORTS);
  for (let linkType = 1000; linkType < 4000; linkType++) {
    datagrams.find({ number: 1, linkType, bytes: new Uint8Array(1), time: [0, 0], clock: NO_TIME });
  }
  expect(datagrams.summary()!.length).toBeLessThan(1000);
  expect(datagrams.summary()).toEndWith("; 1 link type 1015, which is not supported; others for other reasons");
});
