import { describe, expect, test } from "bun:test";
import { ipAddress, portsOf, readFrame, readIpv4, readIpv6, udpData } from "../../../examples/sflow/frame.ts";
import { readPcap } from "../../../examples/sflow/pcap.ts";
import { be, concat, ethernet, ipv4, ipv6, pcap, tcp, udp } from "./captures.ts";

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const UDP = 17;
const data = Uint8Array.of(1, 2, 3, 4, 5);
const frames = [ethernet(IPV4, ipv4(UDP, udp(4000, 6343, data))), ethernet(IPV6, ipv6(UDP, udp(1, 2, data)))];

describe("readPcap", () => {
  test.each([
    { isLittle: true, isNano: false },
    { isLittle: false, isNano: false },
    { isLittle: true, isNano: true },
    { isLittle: false, isNano: true },
  ])("reads files of %o", (options) => {
    expect([...readPcap(pcap(frames, options))]).toEqual([
      { number: 1, time: new Date("2026-01-02T03:04:05.250Z"), frame: frames[0]!, length: frames[0]!.length },
      { number: 2, time: new Date("2026-01-02T03:04:06.750Z"), frame: frames[1]!, length: frames[1]!.length },
    ]);
  });

  test("tells the length of packets of which only the first bytes were captured", () => {
    const [packet] = readPcap(pcap(frames, { limit: 30 }));
    expect(packet).toMatchObject({ frame: frames[0]!.subarray(0, 30), length: frames[0]!.length });
  });

  test("reads a file that is a part of a larger buffer", () => {
    const file = pcap(frames);
    const buffer = concat(Uint8Array.of(9, 9, 9), file, Uint8Array.of(9));
    expect([...readPcap(buffer.subarray(3, 3 + file.length))]).toHaveLength(2);
  });

  test("gives the packets before the one in which the file ends, then says so", () => {
    const file = pcap(frames);
    for (let length = 24; length < file.length; length += 1) {
      const numbers: number[] = [];
      const read = () => {
        for (const { number } of readPcap(file.subarray(0, length))) numbers.push(number);
      };
      const end = 24 + 16 + frames[0]!.length;
      if (length === 24 || length === end) expect(read).not.toThrow();
      else expect(read).toThrow(length < end ? /packet 1/ : /packet 2/);
      expect(numbers).toEqual(length < end ? [] : [1]);
    }
  });

  test("rejects other files, and says what they are", () => {
    const read = (file: Uint8Array) => () => [...readPcap(file)];
    expect(read(new Uint8Array(23))).toThrow("at least 24 bytes");
    expect(read(new Uint8Array(100))).toThrow("not pcap");
    expect(read(concat(be(4, 0x0a0d_0d0a), new Uint8Array(24)))).toThrow("pcapng");
    expect(read(pcap(frames, { linkType: 113 }))).toThrow("link type is 113");
  });
});

describe("readFrame", () => {
  test("reads IPv4 and UDP", () => {
    const frame = readFrame(frames[0]!)!;
    expect(frame).toMatchObject({
      source: "02:00:00:00:00:09",
      destination: "00:1b:21:0a:ff:01",
      vlan: undefined,
      etherType: IPV4,
      ip: { source: "10.0.0.1", destination: "192.168.20.30", protocol: UDP, isFragment: false, fragmentOffset: 0 },
    });
    expect(portsOf(frame.ip!)).toEqual([4000, 6343]);
    expect(udpData(frame.ip!)).toEqual({ data, length: 5 });
  });

  test("reads IPv6 and UDP, also behind extension headers", () => {
    const hopByHop = concat(be(1, 60, 1), new Uint8Array(14));
    const destinationOptions = concat(be(1, UDP, 0), new Uint8Array(6));
    const packets = [ipv6(UDP, udp(1, 2, data)), ipv6(0, concat(hopByHop, destinationOptions, udp(1, 2, data)))];
    for (const packet of packets) {
      const { ip } = readFrame(ethernet(IPV6, packet))!;
      expect(ip).toMatchObject({ source: "2001:db8::1", destination: "fe80::1:0:0:2", protocol: UDP });
      expect(udpData(ip!)).toEqual({ data, length: 5 });
    }
  });

  test("reads the outermost of several VLAN tags", () => {
    const frame = readFrame(ethernet(IPV4, ipv4(UDP, udp(1, 2, data)), 300, 5))!;
    expect(frame.vlan).toBe(300);
    expect(udpData(frame.ip!)?.data).toEqual(data);
  });

  test("does not count the padding of a short frame, nor options, as data", () => {
    const padded = concat(ethernet(IPV4, ipv4(UDP, udp(1, 2, data), { options: 8 })), new Uint8Array(10).fill(7));
    expect(udpData(readFrame(padded)!.ip!)).toEqual({ data, length: 5 });
  });

  test("tells how long data was of which only the first bytes are there", () => {
    const cut = frames[0]!.subarray(0, frames[0]!.length - 2);
    expect(udpData(readFrame(cut)!.ip!)).toEqual({ data: data.subarray(0, 3), length: 5 });
  });

  test("gives no ports and no data of later fragments, and no data of the first", () => {
    const first = readIpv4(ipv4(UDP, udp(1, 2, data), { flags: 0x2000 }))!;
    expect(first).toMatchObject({ isFragment: true, fragmentOffset: 0 });
    expect(portsOf(first)).toEqual([1, 2]);
    expect(udpData(first)).toBeUndefined();
    const later = readIpv4(ipv4(UDP, udp(1, 2, data), { flags: 0x0010 }))!;
    expect(later).toMatchObject({ isFragment: true, fragmentOffset: 128 });
    expect(portsOf(later)).toBeUndefined();
    const fragment = concat(be(1, UDP, 0), be(2, 0x0081), be(4, 1));
    const later6 = readIpv6(ipv6(44, concat(fragment, udp(1, 2, data))))!;
    expect(later6).toMatchObject({ isFragment: true, fragmentOffset: 128, protocol: UDP });
    expect(portsOf(later6)).toBeUndefined();
  });

  test("gives the ports of TCP, and none of other protocols", () => {
    expect(portsOf(readIpv4(ipv4(6, tcp(443, 50_000)))!)).toEqual([443, 50_000]);
    expect(portsOf(readIpv4(ipv4(1, tcp(443, 50_000)))!)).toBeUndefined();
  });

  test("reads as much as there is of a frame that is cut off anywhere", () => {
    const whole = ethernet(IPV6, ipv6(0, concat(be(1, 6, 0), new Uint8Array(6), tcp(443, 80))), 7);
    for (let length = 0; length <= whole.length; length += 1) {
      const frame = readFrame(whole.subarray(0, length));
      expect(frame === undefined).toBe(length < 14);
      if (length >= 18) expect(frame).toMatchObject({ vlan: 7, etherType: IPV6 });
      expect(frame?.ip === undefined).toBe(length < 18 + 48);
      if (frame?.ip) expect(portsOf(frame.ip)).toEqual(length < 18 + 48 + 4 ? undefined : [443, 80]);
    }
    expect(readIpv4(ipv4(6, tcp(1, 2)).subarray(0, 19))).toBeUndefined();
    expect(readIpv4(ipv4(6, tcp(1, 2), { options: 40 }).subarray(0, 59))).toBeUndefined();
  });

  test("takes the version in the first byte of the packet seriously", () => {
    expect(readFrame(ethernet(IPV4, ipv6(UDP, udp(1, 2, data))))!.ip).toBeUndefined();
    expect(readFrame(ethernet(IPV6, ipv4(UDP, udp(1, 2, new Uint8Array(40)))))!.ip).toBeUndefined();
  });

  test("rejects UDP datagrams that say that they are shorter than their header", () => {
    expect(udpData(readIpv4(ipv4(UDP, udp(1, 2, data, 7)))!)).toBeUndefined();
  });
});

test("ipAddress writes the shortest form of an IPv6 address", () => {
  expect(ipAddress(new Uint8Array(16))).toBe("::");
  expect(ipAddress(be(2, 1, 0, 0, 2, 0, 0, 0, 3))).toBe("1:0:0:2::3");
  expect(ipAddress(be(1, 255, 0, 9, 1))).toBe("255.0.9.1");
});
