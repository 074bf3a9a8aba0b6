// `whereabouts decode --pcap` as a process.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { pcap, Section } from "../../support/captures.ts";
import { describeCommand, OutputLines, run } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { ethernet, ipv4, ipv6 } from "../../support/frames.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { testRefusals } from "../../support/refusals.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

const QUERY = query(ascii("NODE"));
const ANSWER = announcement(ascii("NODE"), 22000, Uint8Array.of(192, 0, 2, 7));
const FRAMES = [
  { bytes: ethernet(ipv4(QUERY)), fraction: 117 },
  { bytes: ethernet(ipv4(QUERY, { protocol: 6 })) },
  { bytes: ethernet(ipv6(ANSWER, { from: 22025, to: 40000 })), fraction: 250_000 },
  { bytes: ethernet(ipv4(QUERY.subarray(0, 10), { to: 21025 })) },
  { bytes: ethernet(ipv4(QUERY)).slice(0, -4) },
  { bytes: ethernet(ipv4(QUERY, { flags: 0x2000, later: 4 })) },
];
const FROM = '"source":"10.0.0.1:40000","destination":"10.0.0.2:22025"';
const AT = '"time":"2023-11-14T22:13:20.000000Z"';
const LINES = [
  `{"frame":1,"time":"2023-11-14T22:13:20.000117Z",${FROM},"ok":true,"type":"query","nodeId":"NODE","nodeIdHex":"4e4f4445"}`,
  '{"frame":3,"time":"2023-11-14T22:13:20.250000Z","source":"[2001:db8::1]:22025","destination":"[2001:db8::1]:40000",' +
    '"ok":true,"type":"announcement","nodeId":"NODE","nodeIdHex":"4e4f4445","ip":"192.0.2.7","port":22000}',
  `{"frame":4,${AT},${FROM.replace("22025", "21025")},"ok":false,"error":"bad-id-length","offset":4}`,
  `{"frame":5,${AT},${FROM},"ok":false,"error":"truncated","captured":8,"length":12}`,
  `{"frame":6,${AT},${FROM},"ok":false,"error":"fragment"}`,
];
const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join("");
const SUMMARY = "whereabouts: of 6 packets, these are not shown: 1 other protocols\n";

beforeAll(async () => {
  await Bun.write(folder.at("all.pcap"), pcap(FRAMES));
  await Bun.write(folder.at("cut.pcap"), pcap(FRAMES).subarray(0, 24 + 16 + 60));
});

describeCommand("whereabouts decode --pcap", ({ run, start }) => {
  test("prints the datagrams of a file, and says which packets it has not shown", async () => {
    expect(await run(["decode", "--pcap", folder.at("all.pcap")])).toEqual({
      out: text(...LINES),
      err: SUMMARY,
      code: 0,
    });
  });

  test("prints each packet as soon as it has arrived", async () => {
    const capture = pcap([FRAMES[0]!, FRAMES[2]!]);
    const first = 24 + 16 + FRAMES[0]!.bytes.length;
    await using child = start(["decode", "--pcap", "-"]);
    const lines = new OutputLines(child.stdout);
    for (const [bytes, line] of [
      [capture.subarray(0, first), LINES[0]!],
      [capture.subarray(first), LINES[1]!.replace('"frame":3', '"frame":2')],
    ] as const) {
      child.stdin.write(bytes);
      await child.stdin.flush();
      expect(await lines.next(/frame/)).toBe(line);
    }
    child.stdin.end();
    expect({ code: await child.exited, err: await child.stderr.text() }).toEqual({ code: 0, err: "" });
  });

  test.each([
    ["/", "it is a folder"],
    ["/nowhere", "no such file or directory"],
  ])("exits with 1 and one line if %s cannot be read", async (file, why) => {
    const err = `whereabouts: error: ${file} cannot be read: ${why}\n`;
    expect(await run(["decode", "--pcap", file])).toEqual({ out: "", err, code: 1 });
  });
});

/** Flags, and the contents of captures, which do not depend on the runtime. */
describe("whereabouts decode --pcap", () => {
  test("prints them in hex with --hex, of other ports with --port, from standard input with -", async () => {
    const section = new Section(true).interface(101, [[9, [9]]]);
    for (const to of [22025, 4000, 4001]) section.packet(ipv4(Uint8Array.of(1), { to }), { low: 1 });
    section.packet(ipv4(QUERY, { to: 4002 }));
    const args = ["decode", "--hex", "--port", "4000,4001", "--pcap", "-"];
    const from = (frame: number, nanoseconds: number, to: number) =>
      `{"frame":${frame},"time":"1970-01-01T00:00:00.00000000${nanoseconds}Z","source":"10.0.0.1:40000","destination":"10.0.0.2:${to}"`;
    expect(await run(args, Uint8Array.from(section.bytes))).toEqual({
      out: text(
        `${from(2, 1, 4000)},"ok":false,"error":"short"}`,
        `${from(3, 1, 4001)},"ok":false,"error":"short"}`,
        `${from(4, 0, 4002)},"ok":true,"type":"query","nodeId":"4e4f4445"}`,
      ),
      err: "whereabouts: of 4 packets, these are not shown: 1 UDP of other ports\n",
      code: 0,
    });
  });

  test("exits with 2 and one line where there is no capture, or not a whole one", async () => {
    const [none, cut] = ["/dev/null", folder.at("cut.pcap")];
    const err = (line: string) => `whereabouts: error: ${line}\n`;
    expect(await run(["decode", "--pcap", none])).toEqual({ out: "", err: err(`${none} is empty`), code: 2 });
    expect(await run(["decode", "--pcap", cut])).toEqual({
      out: text(LINES[0]!),
      err: err(`${cut} is cut short: it ends in frame 2`),
      code: 2,
    });
  });
});

testRefusals("decode", [
  ["--pcap with packets in hex", ["--pcap", "all.pcap", "00"], "error: with --pcap, give no packets in hex\n"],
  ["--port without --pcap", ["--port", "1", "00"], "error: --port is for --pcap only\n"],
  ["a wrong port", ["--port", "1,x", "--pcap", "-"], "It must be a whole number from 1 to 65535."],
]);
