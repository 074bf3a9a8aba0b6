// Packets from text: dumps as tcpdump and xxd print them, with the headers of each kind of network.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PacketInputError } from "../../src/cli/packets/hex.ts";
import { PacketReader } from "../../src/cli/packets/reader.ts";
import { OutputLines, run, start } from "../support/command.ts";
import { ipv4, ipv6, MACS } from "../support/frames.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const QUERY = query(ascii("NODE-A"));

/** In the format of `tcpdump -n -X -i lo udp port 22025`, written by hand: a query for NODE-A over IPv4. */
const TCPDUMP = `11:22:33.123456 IP 127.0.0.1.40000 > 127.0.0.1.22025: UDP, length 16
	0x0000:  4500 002c 3f51 4000 4011 fd6d 7f00 0001  E..,?Q@.@..m....
	0x0010:  7f00 0001 9c40 5609 0018 fe2b 1976 0309  .....@V....+.v..
	0x0020:  0000 0006 4e4f 4445 2d41 0000            ....NODE-A..
`;
/** The same with -x and -v: no text beside the bytes, and two lines before them. */
const TCPDUMP_V = `11:22:33.123456 IP (tos 0x0, ttl 64, id 16209, offset 0, flags [DF], proto UDP (17), length 44)
    127.0.0.1.40000 > 127.0.0.1.22025: [bad udp cksum 0xfe2b -> 0x3317!] UDP, length 16
	0x0000:  4500 002c 3f51 4000 4011 fd6d 7f00 0001
	0x0010:  7f00 0001 9c40 5609 0018 fe2b 1976 0309
	0x0020:  0000 0006 4e4f 4445 2d41 0000
`;

/** Lines as `tcpdump -x` prints them. */
function dump(bytes: Iterable<number>): string[] {
  const all = Uint8Array.from(bytes);
  return Array.from({ length: Math.ceil(all.length / 16) }, (_, i) => {
    const groups = hex(all.subarray(16 * i, 16 * i + 16)).replace(/.{4}(?=.)/g, "$& ");
    return `\t0x${(16 * i).toString(16).padStart(4, "0")}:  ${groups}`;
  });
}

/** The packets that a reader returns for each line, and at the end. */
function read(lines: readonly string[]): string[][] {
  const reader = new PacketReader();
  return [...lines.map((line) => reader.read(line)), reader.end()].map((packets) => packets.map(hex));
}

function packets(lines: readonly string[]): string[] {
  return read(lines).flat();
}

describe("a dump", () => {
  test.each([
    ["tcpdump -X", TCPDUMP],
    ["tcpdump -x -v", TCPDUMP_V],
  ])("of %s is the UDP payload of its packet", (_, text) => {
    expect(packets(text.split("\n").slice(0, -1))).toEqual([hex(QUERY)]);
  });

  test.each([
    ["IPv4", ipv4(QUERY)],
    ["IPv4 with options", ipv4(QUERY, { options: 8 })],
    ["IPv6", ipv6(QUERY)],
    ["Ethernet and IPv4", [...MACS, 8, 0, ...ipv4(QUERY)]],
    ["Ethernet and IPv6", [...MACS, 0x86, 0xdd, ...ipv6(QUERY)]],
    ["Ethernet, with an address that looks like an IPv4 header", [0x45, ...MACS.slice(1), 8, 0, ...ipv4(QUERY)]],
    ["Ethernet with a VLAN tag", [...MACS, 0x81, 0, 0, 7, 8, 0, ...ipv4(QUERY)]],
    ["Ethernet with padding", [...MACS, 8, 0, ...ipv4(QUERY), ...new Array(30).fill(0)]],
    ["Linux's any interface", [0, 0, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0, 8, 0, ...ipv4(QUERY)]],
    ["Linux's any interface, version 2", [0x86, 0xdd, ...new Array(18).fill(1), ...ipv6(QUERY)]],
    ["nothing", QUERY],
  ])("may have headers of %s before the packet", (_, bytes) => {
    expect(packets(dump(bytes))).toEqual([hex(QUERY)]);
  });

  test("of xxd is the packet itself", () => {
    const lines = [
      "00000000: 1976 0309 0000 0006 4e4f 4445 2d41 0000  .v......NODE-A..",
      "00000000: 19 76 03 09 00 00 00 06 4e 4f 44 45 2d 41 00 00  .v......NODE-A..",
    ];
    expect(packets(lines)).toEqual([hex(QUERY), hex(QUERY)]);
  });

  test("may have an odd number of bytes in its last line", () => {
    expect(packets(dump([...QUERY, 1]))).toEqual([`${hex(QUERY)}01`]);
  });

  test("has bytes only, even if the text beside them looks like bytes", () => {
    expect(packets(["0x0000:  1976 0309 0000 0000  beef cafe"])).toEqual(["1976030900000000"]);
  });

  test("is returned with the line that completes the IP packet, and padding after it is skipped", () => {
    const lines = dump([...MACS, 8, 0, ...ipv4(QUERY), ...new Array(30).fill(0)]);
    expect(lines).toHaveLength(6);
    expect(read(lines).map((found) => found.length)).toEqual([0, 0, 0, 1, 0, 0, 0]);
  });

  test("ends at the next dump, at an empty line, at tcpdump's next line, at a line of hex, and at the end", () => {
    const own = dump(QUERY);
    const other = hex(query(ascii("B")));
    const summary = "11:22:34 IP6 ::1.40000 > ::1.22025: UDP, length 16";
    const lines = [...own, ...own, "", summary, ...own, summary, ...own, other, ...own];
    expect(packets(lines)).toEqual([hex(QUERY), hex(QUERY), hex(QUERY), hex(QUERY), other, hex(QUERY)]);
  });

  test("leaves a second empty line to be an empty packet", () => {
    expect(packets([...dump(ipv4(QUERY)), "", ""])).toEqual([hex(QUERY), ""]);
  });
});

describe("wrong hex, or a wrong dump,", () => {
  const wrong = (lines: readonly string[]) => {
    const reader = new PacketReader();
    try {
      for (const line of lines) reader.read(line);
      reader.end();
    } catch (error) {
      if (!(error instanceof PacketInputError)) throw error;
      return `line ${error.line ?? reader.lines} ${error.message}`;
    }
    return undefined;
  };
  const [first, second, third] = dump(ipv4(QUERY)) as [string, string, string];

  test.each([
    [[second], "line 1 is not the next line of the dump: its offset is 0x0010, not 0x0000"],
    [[first, third], "line 2 is not the next line of the dump: its offset is 0x0020, not 0x0010"],
    [
      [QUERY.toHex(), first, second],
      "line 2 begins a dump that is cut short: the IP packet has 44 bytes, the dump has 32 of them",
    ],
    [[first.slice(0, 30)], "line 1 begins a dump that is cut short: it ends in the IP header"],
    [dump(ipv4(QUERY, { protocol: 6 })), "line 1 begins a dump of IP protocol 6, not of UDP (17)"],
    [dump(ipv4(QUERY, { flags: 0x2000 })), "line 1 begins a dump of an IP fragment, not of a whole packet"],
    [dump(ipv4(QUERY, { flags: 0x0010 })), "line 1 begins a dump of an IP fragment, not of a whole packet"],
    [dump(ipv4(QUERY).with(24, 255)), "line 1 begins a dump whose IP and UDP headers contradict each other"],
    [dump(ipv4(QUERY).with(0, 0x41)), "line 1 begins a dump whose IP and UDP headers contradict each other"],
    [dump([1, 2, 3]), "line 1 begins a dump that is neither an IP packet nor a packet of this protocol"],
    [["1976 309"], 'line 1 is not hex: "309" has an odd number of digits, 3'],
    [["0x1g"], 'line 1 is not hex: "0x1g" has "g" at character 4'],
    [["190x76"], 'line 1 is not hex: "190x76" has "x" at character 4'],
    [["", "19g6"], 'line 2 is not hex: "19g6" has "g" at character 3'],
    [["00\r00"], 'line 1 is not hex: "00\\r00" has "\\r" at character 3'],
    [["a".repeat(99)], `line 1 is not hex: "${"a".repeat(40)}"… has an odd number of digits, 99`],
    [["0x0000:  4500 00g0"], 'line 1 is not a line of a hex dump: its bytes are "4500 00g0"'],
    [["0x0000:  4500 0"], 'line 1 is not a line of a hex dump: its bytes are "4500 0"'],
    [["00000000  19 76 03 09  |.v..|"], 'line 1 is not hex: "00000000  19 76 03 09  |.v..|" has "|" at character 24'],
    [dump(new Uint8Array(70_100)), "line 4377 belongs to a dump that is longer than any packet"],
  ])("is reported with its line and reason: %#", (lines, message) => {
    expect(wrong(lines)).toBe(message);
  });

  test("of any bytes at all is a PacketInputError or a packet", () => {
    const random = new Random(23);
    for (let i = 0; i < 5000; i++) {
      const bytes = random.bytes(i % 70);
      if (i % 3 === 0 && bytes.length > 0) bytes[0] = i % 2 === 0 ? 0x45 : 0x60;
      if (bytes.length > 9 && i % 5 === 0) bytes[9] = 17;
      if (bytes.length > 6 && i % 7 === 0) bytes[6] = 17;
      wrong(dump(bytes));
    }
  });
});

describe("whereabouts decode", () => {
  test("prints the packets of tcpdump -X while tcpdump runs on", async () => {
    await using child = start(["decode"]);
    const output = new OutputLines(child.stdout);
    for (const id of ["NODE-A", "NODE-A"]) {
      child.stdin.write(TCPDUMP);
      await child.stdin.flush();
      expect(JSON.parse(await output.next(/./))).toMatchObject({ type: "query", nodeId: id });
    }
    child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  test("takes a dump of several lines as one argument, and names the argument and the line that are wrong", async () => {
    const lines = dump(ipv6(announcement(ascii("NODE-A"), 22000)));
    const { out, code } = await run(["decode", lines.join("\n"), QUERY.toHex()]);
    expect(out.split("\n").map((line) => line && JSON.parse(line).type)).toEqual(["announcement", "query", ""]);
    expect(code).toBe(0);
    expect(await run(["decode", "00", `${lines[0]}\n${lines[2]}`])).toEqual({
      out: "",
      err: "whereabouts: error: argument 2, line 2, is not the next line of the dump: its offset is 0x0020, not 0x0010\n",
      code: 2,
    });
  });
});
