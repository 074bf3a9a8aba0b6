/** The frames of these tests are what their fields say, and arrive as they were sent. */
import { expect, test } from "bun:test";
import { addressWords, Frames } from "../../../bench/abuse/frames.ts";
import { buildFragments, buildFrame, EXTENSION, type FrameFields } from "../../support/link/build.ts";
import { Link } from "../../support/link/link.ts";
import { readIp, readUdp } from "../../support/link/read.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { ascii, hex } from "../../support/packets.ts";

const PORTS = { sourcePort: 4711, destinationPort: 22025 };
const V4 = {
  destinationMac: "02:00:00:00:00:01",
  sourceMac: "02:00:00:00:00:00",
  source: "198.51.100.7",
  destination: "10.10.0.1",
  ...PORTS,
  payload: ascii("01234567"),
};
const V6 = { ...V4, source: "fd40::1", destination: "fd10::1" };

test("frames are those of the load generator: two independent implementations agree", () => {
  for (const [family, fields] of [
    ["v4", V4],
    ["v6", V6],
  ] as const) {
    const frames = new Frames(1, {
      family,
      destinationMac: "02:00:00:00:00:01",
      destination: fields.destination,
      sourcePort: 4711,
      destinationPort: 22025,
      payloads: [ascii("01234567")],
    });
    if (family === "v6") frames.setSource6(0, addressWords(fields.source), 0);
    else frames.setSource4(0, addressWords(fields.source)[0]!);
    // Over IPv4 the load generator leaves out the checksum of UDP.
    const udpChecksum = family === "v4" ? () => 0 : undefined;
    expect(hex(buildFrame({ ...fields, udpChecksum })), family).toBe(hex(frames.frame(0)));
  }
});

test("what was built is read again, and a checksum that is wrong by one is recognized", () => {
  for (const fields of [V4, V6]) {
    for (const payload of [ascii(""), ascii("a"), ascii("abc"), new Uint8Array(1400).fill(255)]) {
      const packet = readIp(buildFrame({ ...fields, payload }))!;
      const { destinationMac, sourceMac, source, destination } = fields;
      expect(packet).toMatchObject({ destinationMac, sourceMac, source, destination, tos: 0, ttl: 64, protocol: 17 });
      expect(readUdp(packet)).toEqual({ ...PORTS, payload, checksum: "right" });
    }
    const checksum = (udpChecksum: FrameFields["udpChecksum"]) =>
      readUdp(readIp(buildFrame({ ...fields, udpChecksum }))!)!.checksum;
    expect(checksum((right) => right + 1)).toBe("wrong");
    expect(checksum((_right, pseudoHeader) => pseudoHeader)).toBe("pseudo-header");
    expect(checksum(() => 0)).toBe("none");
  }
  expect(readIp(buildFrame({ ...V4, tos: 0xb9, ttl: 3 }))).toMatchObject({ tos: 0xb9, ttl: 3, checksum: "right" });
  expect(readIp(buildFrame({ ...V6, tos: 0xb9, ttl: 3 }))).toMatchObject({ tos: 0xb9, ttl: 3 });
  expect(readIp(buildFrame({ ...V4, ipChecksum: (right) => right + 1 }))).toMatchObject({ checksum: "wrong" });
});

test("fragments together are the datagram, and each says where it belongs", () => {
  const fields = { ...V4, id: 7, payload: ascii("0123456789abcdefghij") };
  const fragments = buildFragments(fields, [8, 16]);
  expect(fragments.map((frame) => hex(frame.subarray(18, 22)))).toEqual(["00072000", "00072001", "00070002"]);
  const whole = readIp(buildFrame(fields))!.body;
  expect(hex(Buffer.concat(fragments.map((frame) => readIp(frame)!.body)))).toBe(hex(whole));
  const v6 = buildFragments({ ...V6, id: 7 }, [8]);
  expect(v6.map((frame) => hex(frame.subarray(54, 62)))).toEqual(["1100000100000007", "1100000800000007"]);
  expect(v6.map((frame) => frame[20])).toEqual([EXTENSION.fragment, EXTENSION.fragment]);
});

testIf(hasNetns, NEEDS_NETNS)("a link sends frames as they are, in their order, and receives them", async () => {
  await using hosts = await twoHosts({ ipv6: false });
  using a = hosts.a.inside(() => new Link("a0"));
  using b = hosts.b.inside(() => new Link("b0"));
  const frames = Array.from({ length: 1000 }, (_, i) => buildFrame({ ...V4, id: i, payload: new Uint8Array(i) }));
  const vlan = buildFrame({ ...V6, vlan: 5 });
  a.send([...frames, vlan]);
  const received = b.receive(1000);
  while (received.length < 1001) {
    const more = b.receive(1000);
    expect(more.length).toBeGreaterThan(0);
    received.push(...more);
  }
  for (const [i, frame] of frames.entries()) expect(hex(received[i]!.bytes)).toBe(hex(frame));
  // The kernel takes the tag out.
  expect(received[1000]).toMatchObject({ vlan: 5, checksumNotReady: false });
  expect(hex(received[1000]!.bytes)).toBe(hex(buildFrame(V6)));
  a.sendUnfinished(buildFrame({ ...V4, udpChecksum: (_right, pseudoHeader) => pseudoHeader }), 34);
  expect(b.receive(1000)).toMatchObject([{ checksumNotReady: true }]);
});
