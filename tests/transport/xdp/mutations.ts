/** Queries in frames with random faults. The same seed gives the same frames. */
import { buildFrame, ETHERTYPE, EXTENSION, type FrameFields, UDP } from "../../support/link/build.ts";
import { folded, sumOf } from "../../support/link/sums.ts";
import { mutate } from "../../support/packets.ts";
import type { Random } from "../../support/random.ts";
import { LOOPBACK, SERVER } from "./network.ts";
import { QUERY, QUERY_V4, QUERY_V6 } from "./outcome.ts";

/** Clients behind a router: for replies to any address near these, the server's host needs no neighbour. */
const BASES = [
  { ...QUERY_V4, source: "198.51.100.7" },
  { ...QUERY_V6, source: "2001:db8::7" },
] as const;

/** One random fault in the fields. Those of the other version of IP have no effect. */
const FAULTS: readonly ((random: Random) => Partial<FrameFields>)[] = [
  (random) => ({ destinationMac: random.pick(["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:77"]) }),
  (random) => ({ vlan: random.word() & 0xffff }),
  (random) => ({ etherType: random.pick([0, 60, 0x05ff, 0x0600, ETHERTYPE.v4, ETHERTYPE.v6, ETHERTYPE.arp, 0x88a8]) }),
  (random) => ({ version: random.below(16) }),
  (random) => ({ tos: random.below(256) }),
  (random) => ({ ttl: random.below(256) }),
  (random) => ({ protocol: random.pick([UDP, UDP, 0, 44, 59, 60, 136, 255]) }),
  (random) => ({ id: random.below(65_536), flowLabel: random.below(1 << 20) }),
  (random) => ({ fragment: random.pick([0x2000, 0x4000, 0x8000, 0x6000, 0xc000, 1, 0x1fff]) }),
  (random) => ({ options: random.bytes(4 * random.below(11)) }),
  (random) => ({ headerWords: random.below(16) }),
  (random) => ({ ipLength: random.below(100) }),
  (random) => ({ udpLength: random.below(60) }),
  (random) => ({ ipChecksum: (right) => right ^ (1 << random.below(16)) }),
  (random) => ({ udpChecksum: random.once(2) ? () => 0 : (right) => right ^ (1 << random.below(16)) }),
  (random) => ({ extensions: [{ type: random.pick(Object.values(EXTENSION)), rest: random.bytes(7) }] }),
  (random) => ({ sourcePort: random.below(3) }),
  (random) => ({ destinationPort: random.below(65_536) }),
  (random) => ({ payload: mutate(random, QUERY) }),
  (random) => ({ payload: random.bytes(random.below(64)) }),
  (random) => ({ trailer: random.bytes(random.below(30)) }),
];

/** Other addresses, by version of IP: to and from the server's host, and special ones. */
const ADDRESSES = [
  [
    SERVER.second4,
    LOOPBACK.v4,
    "10.9.0.255",
    "255.255.255.255",
    "224.0.0.1",
    "127.0.0.1",
    "0.0.0.0",
    "0.0.0.1",
    "240.0.0.1",
  ],
  [SERVER.second6, SERVER.local6, LOOPBACK.v6, "ff02::1", "::1", "::", "::ffff:10.9.0.1", "::10.9.0.1", "ff05::2"],
] as const;

/** A frame with one to three faults. */
export function mutatedFrame(random: Random): Uint8Array {
  const version = random.below(2);
  let fields: FrameFields = { ...BASES[version]!, sourcePort: 1024 + random.below(30_000) };
  for (let faults = 1 + random.below(3); faults > 0; faults--) fields = { ...fields, ...random.pick(FAULTS)(random) };
  if (random.once(8)) fields = { ...fields, destination: random.pick(ADDRESSES[version]!) };
  if (random.once(8)) fields = { ...fields, source: random.pick(ADDRESSES[version]!) };
  const frame = buildFrame(fields);
  if (random.once(6)) flipBits(random, frame, version === 0);
  return random.once(10) ? frame.subarray(0, 14 + random.below(frame.length - 13)) : frame;
}

/** Flips one bit of the IP header or the first bytes after it. Mostly the header's checksum is right again. */
function flipBits(random: Random, frame: Uint8Array, ipv4: boolean): void {
  const at = 14 + random.below(ipv4 ? 28 : 48);
  frame[at]! ^= 1 << random.below(8);
  if (!ipv4 || at >= 34 || random.once(4)) return;
  frame.fill(0, 24, 26);
  const sum = ~folded(sumOf(frame, 14, 34)) & 0xffff;
  frame.set([sum >>> 8, sum & 0xff], 24);
}
