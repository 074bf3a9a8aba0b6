/** Addresses of all kinds, as source and as destination. */

import { CLIENT, LOOPBACK, SERVER } from "../network.ts";
import { QUERY_V4, QUERY_V6 } from "../outcome.ts";
import { answered, NOTHING, passed, plain, type Row, TO_ITSELF, UNSENT } from "./row.ts";

const OTHER_MAC = "02:00:00:00:00:77";
const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff";
const GROUP_MAC_V4 = "01:00:5e:00:00:01";
const GROUP_MAC_V6 = "33:33:00:00:00:01";

const to4 = (destination: string) => ({ ...QUERY_V4, destination });
const to6 = (destination: string) => ({ ...QUERY_V6, destination });
const from4 = (source: string) => ({ ...QUERY_V4, source });
const from6 = (source: string) => ({ ...QUERY_V6, source });

const LOCAL = { ...QUERY_V6, source: CLIENT.local6, destination: SERVER.local6 };

export const DESTINATIONS: readonly Row[] = [
  plain("a second IPv4 address of the interface", to4(SERVER.second4)),
  plain("a second IPv6 address of the interface", to6(SERVER.second6)),
  plain("the link-local address, from a link-local one", LOCAL),
  plain("the link-local address, from a global one", to6(SERVER.local6)),
  plain("a global address, from a link-local one", from6(CLIENT.local6)),
  passed("an IPv4 address of the host that is on another interface", to4(LOOPBACK.v4)),
  passed("an IPv6 address of the host that is on another interface", to6(LOOPBACK.v6)),
  passed("the IPv4 address of another host", to4("10.9.0.77"), NOTHING),
  passed("the IPv4 address of a host elsewhere", to4("198.51.100.7"), NOTHING),
  passed("the IPv6 address of another host", to6("fd09::77"), NOTHING),
  passed("the link-local address of another host", { ...LOCAL, destination: "fe80::77" }, NOTHING),
  passed("127.0.0.1", to4("127.0.0.1"), NOTHING),
  passed("::1", to6("::1"), NOTHING),
  passed("0.0.0.0", to4("0.0.0.0"), NOTHING),
  passed("::", to6("::"), NOTHING),
  passed("::ffff:10.9.0.1", to6("::ffff:10.9.0.1"), NOTHING),
];

export const MACS: readonly Row[] = [
  passed("IPv4 to the Ethernet address of another host", { ...QUERY_V4, destinationMac: OTHER_MAC }, NOTHING),
  passed("IPv6 to the Ethernet address of another host", { ...QUERY_V6, destinationMac: OTHER_MAC }, NOTHING),
  passed("IPv4 to our address in a broadcast frame", { ...QUERY_V4, destinationMac: BROADCAST_MAC }),
  passed("IPv6 to our address in a broadcast frame", { ...QUERY_V6, destinationMac: BROADCAST_MAC }),
  passed("IPv4 to our address in a multicast frame", { ...QUERY_V4, destinationMac: GROUP_MAC_V4 }),
  passed("IPv6 to our address in a multicast frame", { ...QUERY_V6, destinationMac: GROUP_MAC_V6 }),
  // The kernel sends to the neighbour that its routes name. xdp has no routes: it sends to where the query came from.
  ...[QUERY_V4, QUERY_V6].map((query, i) => ({
    ...plain(
      `IPv${i === 0 ? 4 : 6} from another Ethernet address`,
      { ...query, sourceMac: OTHER_MAC },
      answered(query),
    ),
    xdp: answered(query, { toMac: OTHER_MAC }),
  })),
  passed("IPv4 from a group's Ethernet address", { ...QUERY_V4, sourceMac: GROUP_MAC_V4 }, answered(QUERY_V4)),
  passed("IPv6 from a group's Ethernet address", { ...QUERY_V6, sourceMac: GROUP_MAC_V6 }, answered(QUERY_V6)),
];

const FROM = {
  v4: { from: `${SERVER.v4} 22025` },
  v6: { from: `${SERVER.v6} 22025` },
  local: { from: `${SERVER.local6} 22025` },
};

export const GROUPS: readonly Row[] = [
  ...["10.9.0.255", "255.255.255.255"].flatMap((address) => [
    passed(address, { ...to4(address), destinationMac: BROADCAST_MAC }, answered(to4(address), FROM.v4)),
    passed(`${address} in a frame to our Ethernet address`, to4(address), answered(to4(address), FROM.v4)),
  ]),
  passed("224.0.0.1", { ...to4("224.0.0.1"), destinationMac: GROUP_MAC_V4 }, NOTHING),
  passed("an IPv4 group that nobody is in", { ...to4("239.1.2.3"), destinationMac: "01:00:5e:01:02:03" }, NOTHING),
  passed("ff02::1", { ...to6("ff02::1"), destinationMac: GROUP_MAC_V6 }, answered(to6("ff02::1"), FROM.v6)),
  passed("ff02::1 in a frame to our Ethernet address", to6("ff02::1"), answered(to6("ff02::1"), FROM.v6)),
  passed(
    "ff02::1 from a link-local address",
    { ...LOCAL, destination: "ff02::1", destinationMac: GROUP_MAC_V6 },
    answered({ ...LOCAL, destination: "ff02::1" }, FROM.local),
  ),
  passed("an IPv6 group that nobody is in", { ...to6("ff02::1:77"), destinationMac: "33:33:00:01:00:77" }, NOTHING),
];

export const SOURCES: readonly Row[] = [
  plain("an IPv4 address behind a router", from4("198.51.100.7")),
  plain("an IPv6 address behind a router", from6("2001:db8::7")),
  plain("an IPv4 address of the upper half", from4("198.18.255.255")),
  plain("the last address before multicast", from4("223.255.255.255")),
  passed("0.0.0.0", from4("0.0.0.0"), NOTHING),
  passed("0.1.2.3", from4("0.1.2.3")),
  passed("127.0.0.1", from4("127.0.0.1"), NOTHING),
  passed("127.9.9.9", from4("127.9.9.9"), NOTHING),
  passed("a multicast address", from4("224.0.0.5"), NOTHING),
  passed("255.255.255.255", from4("255.255.255.255"), NOTHING),
  passed("a reserved address", from4("240.0.0.1")),
  passed("the address that is asked", from4(SERVER.v4), NOTHING),
  passed("another IPv4 address of the host", from4(SERVER.second4), NOTHING),
  passed("an IPv4 address of the host that is on another interface", from4(LOOPBACK.v4), NOTHING),
  passed("the broadcast address of the network", from4("10.9.0.255"), UNSENT),
  passed("::", from6("::"), TO_ITSELF),
  passed("::1", from6("::1"), NOTHING),
  passed("::ffff:127.0.0.1", from6("::ffff:127.0.0.1"), UNSENT),
  passed("::ffff:10.9.0.2", from6("::ffff:10.9.0.2"), UNSENT),
  passed("::2", from6("::2")),
  passed("ff02::1", from6("ff02::1"), NOTHING),
  passed("ff0e::1", from6("ff0e::1"), NOTHING),
  passed("the IPv6 address that is asked", from6(SERVER.v6), TO_ITSELF),
  passed("another IPv6 address of the host", from6(SERVER.second6), TO_ITSELF),
  passed("an IPv6 address of the host that is on another interface", from6(LOOPBACK.v6), TO_ITSELF),
  passed("the link-local address of the host", from6(SERVER.local6), TO_ITSELF),
];
