/**
 * A server on a router, with the transport on one of its interfaces: what else comes through that interface is the kernel's, as
 * without a server.
 *
 * ```
 *  the test ── a0: the server's host, which is a router :a1 ── c0: the test again, as a host behind the router
 * ```
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { addressBytes, buildFrame, ETHERTYPE, type FrameFields, macBytes, UDP } from "../../support/link/build.ts";
import { Link } from "../../support/link/link.ts";
import { readIp, readUdp } from "../../support/link/read.ts";
import { folded, pseudoHeaderSum, sumOf } from "../../support/link/sums.ts";
import { testIf } from "../../support/needs.ts";
import { Host } from "../../support/netns.ts";
import { hex } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { CLIENT, CLIENT_MAC, PORT, reachable, SERVER, SERVER_MAC } from "./network.ts";
import { announceNode, outcome, QUERY_V4, QUERY_V6, REPLY, settled } from "./outcome.ts";
import { answered, NOTHING, UNSENT } from "./rows/row.ts";
import { KINDS, Site } from "./site.ts";
import { tcpEcho } from "./tcp.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const check = testIf(hasXdp, NEEDS_XDP);
/** A host behind the router, and the router's address there. */
const BEHIND = {
  mac: "02:00:00:00:00:03",
  v4: "10.8.0.2",
  v6: "fd08::2",
  router4: "10.8.0.1",
  router6: "fd08::1",
} as const;
const ROUTER_MAC = "02:00:00:00:00:04";
const ICMP = 1;
const ICMPV6 = 58;
/** How long to wait for what must come, in ms. */
const WAIT_MS = 20_000;
/** More than are sent while a megabyte is transferred. */
const MAX_QUERIES = 10_000;

/** Sends frames between two queries. @returns the frames that came back, when both queries are answered and `done` is true for one frame */
function exchange(link: Link, frame: Uint8Array, done: (frame: Uint8Array) => boolean): Uint8Array {
  const query = (sourcePort: number) => buildFrame({ ...QUERY_V4, sourcePort });
  link.send([query(4001), frame, query(4002)]);
  const missing = new Set([4001, 4002]);
  let found: Uint8Array | undefined;
  const end = performance.now() + WAIT_MS;
  while (performance.now() < end && (missing.size > 0 || found === undefined)) {
    for (const { bytes } of link.receive(100)) {
      const packet = readIp(bytes);
      const udp = packet && readUdp(packet);
      if (udp && hex(udp.payload) === REPLY) missing.delete(udp.destinationPort);
      else if (done(bytes)) found = bytes;
    }
  }
  expect(missing.size, "queries without a reply").toBe(0);
  if (found === undefined) throw new Error("nothing has come back");
  return found;
}

function arpRequest(address: string): Uint8Array {
  const frame = new Uint8Array(42);
  frame.set(macBytes("ff:ff:ff:ff:ff:ff"));
  frame.set(macBytes(CLIENT_MAC), 6);
  // Type ARP; Ethernet and IPv4, with addresses of 6 and 4 bytes; a request.
  frame.set([ETHERTYPE.arp >> 8, ETHERTYPE.arp & 0xff, 0, 1, 8, 0, 6, 4, 0, 1], 12);
  frame.set(macBytes(CLIENT_MAC), 22);
  frame.set(addressBytes(CLIENT.v4), 28);
  frame.set(addressBytes(address), 38);
  return frame;
}

/** A frame with a message of ICMP or ICMPv6, whose checksum is set. */
function icmp(fields: FrameFields, message: readonly number[]): Uint8Array {
  const body = Uint8Array.from(message);
  const v6 = `${fields.destination}`.includes(":");
  const pseudo = v6
    ? pseudoHeaderSum(addressBytes(fields.source), addressBytes(fields.destination), ICMPV6, body.length)
    : 0;
  new DataView(body.buffer).setUint16(2, ~folded(pseudo + sumOf(body, 0, body.length)) & 0xffff);
  return buildFrame({ ...fields, protocol: v6 ? ICMPV6 : ICMP, body });
}

/** The message of ICMP in a frame, in hex, without its checksum. */
function messageOf(frame: Uint8Array, protocol: number): string | undefined {
  const packet = readIp(frame);
  if (packet?.protocol !== protocol) return undefined;
  return hex(packet.body.subarray(0, 2)) + hex(packet.body.subarray(4));
}

describe.each(KINDS)("with the transport %s", (kind) => {
  let site: Site;
  let behind: Host;
  let back: Link;

  beforeAll(async () => {
    if (!hasXdp) return;
    [site, behind] = await Promise.all([Site.open(kind), Host.create()]);
    site.host.cable("a1", behind, "c0");
    behind.run(`sysctl -q net.ipv6.conf.all.disable_ipv6=1; ip link set c0 address ${BEHIND.mac} up`);
    site.host.run(`
      sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
      ip link set a1 address ${ROUTER_MAC} addrgenmode none up
      echo 0 > /proc/sys/net/ipv4/conf/a1/rp_filter
      ip addr add ${BEHIND.router4}/24 dev a1; ip addr add ${BEHIND.router6}/64 dev a1 nodad
      for address in ${BEHIND.v4} ${BEHIND.v6}; do ip neigh add $address lladdr ${BEHIND.mac} dev a1 nud permanent; done`);
    await site.host.linked("a1");
    await reachable(site.host, BEHIND.router6);
    back = behind.inside(() => new Link("c0"));
    await announceNode(site);
  });

  afterAll(async () => {
    if (!hasXdp) return;
    back[Symbol.dispose]();
    await Promise.all([site[Symbol.asyncDispose](), behind[Symbol.asyncDispose]()]);
  });

  /** The next UDP packet that arrives over a link. */
  function nextUdp(link: Link) {
    const end = performance.now() + WAIT_MS;
    while (performance.now() < end) {
      for (const { bytes } of link.receive(100)) {
        const packet = readIp(bytes);
        if (packet?.protocol === UDP) return packet;
      }
    }
    throw new Error("no packet has come");
  }

  check("a query for a host behind the router is forwarded to it, and not answered", async () => {
    for (const [query, destination] of [
      [QUERY_V4, BEHIND.v4],
      [QUERY_V6, BEHIND.v6],
    ] as const) {
      const fields = { ...query, destination };
      const { verdicts, sent } = await outcome(site, ({ link }) => link.send([buildFrame(fields)]), 0);
      expect({ verdicts, sent }).toEqual({ verdicts: {}, sent: [] });
      const packet = nextUdp(back);
      const { source } = query;
      expect(packet).toMatchObject({ source, destination, sourceMac: ROUTER_MAC, destinationMac: BEHIND.mac, ttl: 63 });
      const { sourcePort, destinationPort, payload } = query;
      expect(readUdp(packet)).toEqual({ sourcePort, destinationPort, payload, checksum: "right" });
    }
  });

  check("a query from a host behind the router to one before it is forwarded, and not answered", async () => {
    for (const [query, source] of [
      [QUERY_V4, BEHIND.v4],
      [QUERY_V6, BEHIND.v6],
    ] as const) {
      const fields = { ...query, destinationMac: ROUTER_MAC, sourceMac: BEHIND.mac, source, destination: query.source };
      const { verdicts, sent } = await outcome(site, () => back.send([buildFrame(fields)]), 1);
      expect(verdicts).toEqual({});
      expect(sent).toMatchObject([
        { from: `${source} 4000`, to: `${query.source} ${PORT}`, fromMac: SERVER_MAC, ttl: 63 },
      ]);
    }
  });

  check("a host behind the router is answered, at the addresses of either interface", async () => {
    for (const [query, source, router] of [
      [QUERY_V4, BEHIND.v4, BEHIND.router4],
      [QUERY_V6, BEHIND.v6, BEHIND.router6],
    ] as const) {
      for (const destination of [query.destination, router]) {
        const fields = { ...query, destinationMac: ROUTER_MAC, sourceMac: BEHIND.mac, source, destination };
        const { verdicts } = await outcome(site, () => back.send([buildFrame(fields)]), 0);
        expect(verdicts).toEqual({ answered: 1 });
        expect(nextUdp(back)).toMatchObject({ source: destination, destination: source, destinationMac: BEHIND.mac });
      }
    }
  });

  check("the address of another interface is answered, and is no source", async () => {
    for (const [query, router] of [
      [QUERY_V4, BEHIND.router4],
      [QUERY_V6, BEHIND.router6],
    ] as const) {
      const fields = { ...query, destination: router };
      expect(await outcome(site, ({ link }) => link.send([buildFrame(fields)]), 1)).toMatchObject(answered(fields));
    }
    const own = { ...QUERY_V4, source: BEHIND.router4 };
    await settled(site, own, NOTHING);
    const broadcast = { ...QUERY_V4, source: "10.8.0.255" };
    await settled(site, broadcast, UNSENT);
  });

  check("ARP requests are answered beside queries", async () => {
    const isReply = (frame: Uint8Array) => hex(frame.subarray(12, 14)) === "0806" && frame[21] === 2;
    const reply = exchange(site.link, arpRequest(SERVER.v4), isReply);
    expect(hex(reply.subarray(22, 32))).toBe(hex(macBytes(SERVER_MAC)) + hex(addressBytes(SERVER.v4)));
  });

  check("neighbour solicitations are answered beside queries", async () => {
    const target = addressBytes(SERVER.v6);
    // To the group of all addresses that end in the same three bytes.
    const fields = { ...QUERY_V6, destinationMac: "33:33:ff:00:00:01", destination: "ff02::1:ff00:1", ttl: 255 };
    const solicitation = icmp(fields, [135, 0, 0, 0, 0, 0, 0, 0, ...target, 1, 1, ...macBytes(CLIENT_MAC)]);
    const isReply = (frame: Uint8Array) => messageOf(frame, ICMPV6)?.startsWith("8800") === true;
    // A router's answer to a solicitation, which overrides what the neighbour knew; with the target and its Ethernet address.
    expect(messageOf(exchange(site.link, solicitation, isReply), ICMPV6)).toBe(
      `8800e0000000${hex(target)}0201${hex(macBytes(SERVER_MAC))}`,
    );
  });

  check("pings are answered beside queries, with 1400 bytes too", async () => {
    for (const size of [0, 56, 1400]) {
      const rest = [0x12, 0x34, 0, 1, ...new Uint8Array(size).fill(size)];
      const echo = (protocol: number, fields: FrameFields, request: number, reply: number) =>
        exchange(
          site.link,
          icmp(fields, [request, 0, 0, 0, ...rest]),
          (frame) => messageOf(frame, protocol) === hex(Uint8Array.of(reply, 0, ...rest)),
        );
      echo(ICMP, QUERY_V4, 8, 0);
      echo(ICMPV6, QUERY_V6, 128, 129);
    }
  });

  check("TCP connections work beside queries", async () => {
    const bytes = new Random(1).bytes(1 << 20);
    site.end.run("ip addr add 10.9.0.9/24 dev b0");
    let echoed: Uint8Array | undefined;
    const echo = tcpEcho(site.host, SERVER.v4, site.end, bytes).then((back) => {
      echoed = back;
    });
    let queries = 0;
    do {
      expect(await outcome(site, ({ link }) => link.send([buildFrame(QUERY_V6)]), 1)).toMatchObject(answered(QUERY_V6));
      queries++;
    } while (echoed === undefined && queries < MAX_QUERIES);
    await echo;
    site.end.run("ip addr del 10.9.0.9/24 dev b0");
    expect(Buffer.compare(echoed!, bytes)).toBe(0);
  });
});
