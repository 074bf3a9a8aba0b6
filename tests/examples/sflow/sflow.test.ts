// Runs examples/sflow.ts on captures that are built here, without the code of the example.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { showDatagram } from "../../../examples/sflow/lines.ts";
import { Folder } from "../../support/folder.ts";
import { be, concat, ethernet, ipv4, ipv6, pcap, tcp, udp } from "./captures.ts";
import {
  address,
  array,
  countersSample,
  countersSampleExpanded,
  datagram,
  flowSample,
  flowSampleExpanded,
  ifCounters,
  opaque,
  sampledHeader,
  tagged,
} from "./datagrams.ts";

const AGENT = be(1, 192, 0, 2, 1);
const AGENT6 = be(2, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
const text = (value: string) => new TextEncoder().encode(value);
const web = ethernet(0x0800, ipv4(6, tcp(40_000, 443)), 10);

const lines = (bytes: Uint8Array) => [...showDatagram(bytes)];
/** The text of one record of a flow sample. */
const flow = (record: Uint8Array) =>
  lines(datagram(AGENT, 1, flowSample(1, 3, 5, record)))[0]!.replace(
    "192.0.2.1 flow 1: 1 of 1000, interface 3 > 5, ",
    "",
  );
const counters = (record: Uint8Array) =>
  lines(datagram(AGENT, 1, countersSample(1, record)))[0]!.replace("192.0.2.1 counters 1: ", "");

describe("a line shows", () => {
  test("a sampled Ethernet frame, with what the switch did with it", () => {
    const vlans = tagged(1001, be(4, 10, 0, 20, 0));
    const route = tagged(1002, concat(address(be(1, 10, 9, 9, 9)), be(4, 24, 16)));
    expect(lines(datagram(AGENT, 7, flowSample(17, 3, 5, sampledHeader(web, 1518), vlans, route)))).toEqual([
      "192.0.2.1 flow 17: 1 of 1000, interface 3 > 5, " +
        "1518 bytes, 02:00:00:00:00:09 > 00:1b:21:0a:ff:01, tag 10, 10.0.0.1:40000 > 192.168.20.30:443 TCP, " +
        "vlan 10 > 20, next hop 10.9.9.9, prefixes /24 > /16",
    ]);
  });

  test("several samples of a datagram, in the compact and in the expanded form", () => {
    const sample6 = sampledHeader(ethernet(0x86dd, ipv6(17, udp(53, 5353, new Uint8Array(20)))), 86);
    const bytes = datagram(
      AGENT6,
      8,
      flowSampleExpanded(18, [0, 70_000_000], [2, 0], sample6),
      countersSampleExpanded(19, ifCounters(123_456_789_012n, 5n)),
      countersSample(20),
    );
    expect(lines(bytes)).toEqual([
      "2001:db8::9 flow 18: 1 of 1000, interface 70000000 > several, " +
        "86 bytes, 02:00:00:00:00:09 > 00:1b:21:0a:ff:01, [2001:db8::1]:53 > [fe80::1:0:0:2]:5353 UDP",
      "2001:db8::9 counters 19: interface 3 up, 10000000000 bit/s, " +
        "in: 123456789012 bytes, 100/20/3 packets, 4 discards, 5 errors, " +
        "out: 5 bytes, 200/30/7 packets, 8 discards, 9 errors",
      "2001:db8::9 counters 20: no records",
    ]);
  });

  test("where a packet went", () => {
    const way = (output: number) => lines(datagram(AGENT, 1, flowSample(1, 0, output)))[0];
    expect(way(0)).toEndWith("interface unknown > unknown");
    expect(way(0x4000_0102)).toEndWith("> dropped (reason 258)");
    expect(way(0x8000_0007)).toEndWith("> 7 interfaces");
    expect(way(0x8000_0000)).toEndWith("> several");
    expect(lines(datagram(AGENT, 1, flowSampleExpanded(1, [0, 1], [1, 2])))[0]).toEndWith("1 > dropped (reason 2)");
  });

  test("each kind of record", () => {
    const ports = [40_000, 443, 0x18, 0];
    const [from, to] = [be(1, 10, 0, 0, 1), be(1, 10, 0, 0, 2)];
    expect(flow(tagged(2, concat(be(4, 64), opaque6(1), opaque6(2), be(4, 0x88cc))))).toBe(
      "64 bytes, 01:01:01:01:01:01 > 02:02:02:02:02:02, type 0x88cc",
    );
    expect(flow(tagged(3, concat(be(4, 84, 1), from, to, be(4, 0, 0, 0, 0))))).toBe(
      "84 bytes, 10.0.0.1 > 10.0.0.2 ICMP",
    );
    expect(flow(tagged(4, concat(be(4, 84, 6), AGENT6, new Uint8Array(16), be(4, ...ports))))).toBe(
      "84 bytes, [2001:db8::9]:40000 > [::]:443 TCP",
    );
    const path = array(
      concat(be(4, 2), array(be(4, 64_500), be(4, 64_501))),
      concat(be(4, 1), array(be(4, 1), be(4, 2))),
    );
    const gateway = concat(
      address(new Uint8Array(0)),
      be(4, 65_000, 64_999, 64_998),
      path,
      array(be(4, 7)),
      be(4, 100),
    );
    expect(flow(tagged(1003, gateway))).toBe("BGP next hop unknown, AS 64999 > 64500 64501 {1 2}");
    const users = concat(be(4, 106), opaque(text("zoë\x1b")), be(4, 106), opaque(text("")));
    expect(flow(tagged(1004, users))).toBe('user "zoë\\u001b" > ""');
    expect(counters(tagged(2, be(4, 0, 12, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0)))).toBe(
      "ethernet: 12 bad checksums, 3 late collisions",
    );
    expect(counters(tagged(5, concat(be(4, 10), be(8, 2n ** 40n), be(4, 1, 2, 3, 4))))).toBe(
      "vlan 10: 1099511627776 bytes, 4 discards",
    );
    expect(counters(tagged(1001, concat(be(4, 1250, 10_000, 0xffff_ffff), be(8, 2n ** 33n, 2n ** 64n - 1n))))).toBe(
      "processor: 12.5/100/- %, - of 8589934592 bytes free",
    );
  });

  test("what a sampled header is, if it is not a whole Ethernet frame with IP", () => {
    const header = (protocol: number, bytes: Uint8Array) =>
      flow(tagged(1, concat(be(4, protocol, 100, 0), opaque(bytes)))).replace("100 bytes, ", "");
    expect(header(11, ipv4(17, udp(1, 2, new Uint8Array(0))))).toBe("10.0.0.1:1 > 192.168.20.30:2 UDP");
    expect(header(12, ipv6(58, new Uint8Array(8)))).toBe("2001:db8::1 > fe80::1:0:0:2 ICMPv6");
    expect(header(11, new Uint8Array(19))).toBe("IP header cut off");
    expect(header(1, new Uint8Array(13))).toBe("header cut off");
    expect(header(1, ethernet(0x0806, new Uint8Array(28)))).toEndWith("type 0x0806");
    expect(header(13, new Uint8Array(8))).toBe("header protocol 13");
    expect(header(99, new Uint8Array(8))).toBe("header protocol 99");
  });

  test("samples and records of unknown formats by their names, and goes on behind them", () => {
    const unknown = tagged(1, be(4, 1, 2, 3), { enterprise: 4413 });
    const bytes = datagram(
      AGENT,
      9,
      unknown,
      flowSample(1, 3, 5, unknown, sampledHeader(web, 64)),
      countersSample(2, unknown),
    );
    const [first, second, third] = lines(bytes);
    expect(first).toBe("192.0.2.1 sample of the unknown format 4413:1, 12 bytes");
    expect(second).toMatch(/> 5, \(unknown format 4413:1, 12 bytes\), 64 bytes, .* TCP$/);
    expect(third).toBe("192.0.2.1 counters 2: (unknown format 4413:1, 12 bytes)");
  });

  test("data with padding that is not zero, as InMon's agent pads, and with fields of a later version", () => {
    const odd = web.subarray(0, web.length - 1);
    const clean = lines(
      datagram(AGENT, 1, flowSample(1, 3, 5, sampledHeader(odd, 64), tagged(1001, be(4, 1, 0, 2, 0)))),
    );
    const padded = [sampledHeader(odd, 64, 0xa5), tagged(1001, be(4, 1, 0, 2, 0, 99))];
    expect(lines(datagram(AGENT, 1, flowSample(1, 3, 5, ...padded)))).toEqual(clean);
    expect(clean[0]).toEndWith("TCP, vlan 1 > 2");
  });
});

function opaque6(byte: number): Uint8Array {
  return concat(new Uint8Array(6).fill(byte), be(2, 0xffff));
}

describe("a damaged part is told with the place of the damage in it", () => {
  test("if a record is too short for its format", () => {
    const short = tagged(1001, be(4, 1, 2, 3));
    const bytes = datagram(AGENT, 1, flowSample(1, 3, 5, short, sampledHeader(web, 64)), countersSample(2));
    const [line, next] = lines(bytes);
    expect(line).toContain("> 5, (damaged record of format 0:1001: truncated at byte 12, in dst_priority), 64 bytes");
    expect(next).toBe("192.0.2.1 counters 2: no records");
  });

  test("if a sample says that it has more records than bytes", () => {
    const bytes = datagram(AGENT, 1, tagged(2, be(4, 1, 3, 1000)), countersSample(2));
    expect(lines(bytes)).toEqual([
      "192.0.2.1 damaged sample of format 0:2: length-over-input at byte 8, in counters",
      "192.0.2.1 counters 2: no records",
    ]);
  });

  test("if the datagram is cut off anywhere", () => {
    const bytes = datagram(
      AGENT,
      1,
      flowSample(1, 3, 5, sampledHeader(web, 64)),
      countersSample(2, ifCounters(1n, 2n)),
    );
    for (let length = 0; length < bytes.length; length += 1) {
      const [line, ...others] = lines(bytes.subarray(0, length));
      expect(others).toEqual([]);
      expect(line).toMatch(/^damaged datagram: (truncated|length-over-input) at byte \d+/);
      expect(Number(/at byte (\d+)/.exec(line!)?.[1])).toBeWithin(0, length + 1);
    }
  });

  test("if the datagram is of another version", () => {
    const bytes = datagram(AGENT, 1);
    bytes[3] = 4;
    expect(lines(bytes)).toEqual(["damaged datagram: unknown-enum at byte 0, in version.version"]);
  });
});

describe("examples/sflow.ts", () => {
  const folder = new Folder();
  const program = join(import.meta.dir, "../../../examples/sflow.ts");
  const sflow = datagram(AGENT, 1, countersSample(2));
  const whole = pcap([
    ethernet(0x0800, ipv4(17, udp(50_000, 6343, sflow))),
    ethernet(0x0806, new Uint8Array(28)),
    ethernet(0x0800, ipv4(17, udp(50_000, 53, sflow))),
    ethernet(0x86dd, ipv6(17, udp(50_000, 6343, datagram(AGENT6, 1, countersSample(3)))), 10, 20),
    ethernet(0x0800, ipv4(17, udp(50_000, 6343, sflow), { flags: 0x2000 })),
    ethernet(0x0800, ipv4(17, udp(50_000, 6344, datagram(AGENT, 1, countersSample(4))))),
  ]);

  beforeAll(async () => {
    await Bun.write(folder.at("whole.pcap"), whole);
    await Bun.write(folder.at("cut.pcap"), whole.subarray(0, 24 + 16 + 80));
    await Bun.write(folder.at("short.pcap"), pcap([ethernet(0x0800, ipv4(17, udp(1, 6343, sflow)))], { limit: 60 }));
  });
  afterAll(() => folder[Symbol.dispose]());

  function run(...args: string[]) {
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, program, ...args]);
    return { out: stdout.toString(), error: stderr.toString(), exitCode };
  }

  test("prints the samples of a capture, with their times", () => {
    expect(run(folder.at("whole.pcap"))).toEqual({
      out: `\
2026-01-02T03:04:05.250Z 192.0.2.1 counters 2: no records
2026-01-02T03:04:09.750Z 2001:db8::9 counters 3: no records
2026-01-02T03:04:11.250Z packet 5 is a fragment, and is not put together with others
`,
      error: "",
      exitCode: 0,
    });
    expect(run(folder.at("whole.pcap"), "6344").out).toBe(
      "2026-01-02T03:04:12.750Z 192.0.2.1 counters 4: no records\n",
    );
  });

  test("says what is wrong with a capture", () => {
    expect(run()).toMatchObject({ out: "", error: expect.stringContaining("usage"), exitCode: 2 });
    const none = "no samples in datagrams to UDP port 99";
    expect(run(folder.at("whole.pcap"), "99")).toMatchObject({ out: "", error: expect.stringContaining(none) });
    const missing = folder.at("missing.pcap");
    expect(run(missing)).toMatchObject({ out: "", error: expect.stringContaining(missing), exitCode: 1 });
    expect(run(folder.at("cut.pcap"))).toMatchObject({ error: expect.stringContaining("packet 1"), exitCode: 1 });
    const { out, exitCode } = run(folder.at("short.pcap"));
    expect(out).toContain(`packet 1: only 18 of ${sflow.length} bytes were captured\n`);
    expect(out).toContain("damaged datagram: truncated");
    expect(exitCode).toBe(0);
  });
});
