// The Wireshark dissector, in tshark: it agrees with the codec on every packet, and finds the query of an answer.
import { describe, expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { UNPRINTABLE } from "../../src/cli/terminal/style.ts";
import { createCodec, ipFromText, ipToText, nodeIdToText, PacketError } from "../../src/codec/index.ts";
import { blocksOf, pageText } from "../docs/pages.ts";
import { type Captured, pcap } from "../support/captures.ts";
import { MAIN, OutputLines, run, start } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { ipv4, ipv6 } from "../support/frames.ts";
import { testIf } from "../support/needs.ts";
import { Host, hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { announcement, ascii, hex, mutate, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ROOT = join(import.meta.dir, "../..");
const DISSECTOR = join(ROOT, "deploy/wireshark/whereabouts.lua");
const NEEDS_TSHARK = "needs tshark";
const hasTshark = Bun.which("tshark") !== null;
const RAW = 101;

/** The capture of docs/wireshark.md. */
const DOCUMENTED: readonly Captured[] = [
  lookup(0, ["192.168.0.34", 40312], ["192.0.2.1", 22025], query(ascii("NODE-A"))),
  lookup(
    23_417,
    ["192.0.2.1", 22025],
    ["192.168.0.34", 40312],
    announcement(ascii("NODE-A"), 22000, ipFromText("198.51.100.7")),
  ),
  lookup(1_500_000, ["192.168.0.34", 21025], ["192.168.0.255", 21025], announcement(ascii("my-app/k3x9"), 0)),
  lookup(1_612_000, ["192.168.0.35", 21025], ["192.168.0.255", 21025], announcement(ascii("my-app/ben"), 7000)),
  lookup(2_000_000, ["192.168.0.66", 21025], ["192.168.0.255", 21025], Uint8Array.of(0x19, 0x76, 3, 9, 0, 0, 0, 9)),
];

type Endpoint = readonly [ip: string, port: number];

function lookup(
  microseconds: number,
  [source, from]: Endpoint,
  [destination, to]: Endpoint,
  payload: Uint8Array,
): Captured {
  const bytes = ipv4(payload, { from, to }).toSpliced(12, 8, ...ipFromText(source), ...ipFromText(destination));
  const seconds = Date.UTC(2026, 10, 29, 12) / 1000 + Math.floor(microseconds / 1e6);
  return { bytes, seconds, fraction: microseconds % 1e6 };
}

const FIELDS = [
  "frame.number",
  "_ws.col.Protocol",
  "_ws.col.Info",
  "_ws.expert.message",
  ...[
    ...["type", "magic", "port", "node_id", "node_id_text", "group", "ip", "ipv6", "hello", "trailing"],
    ...["error", "error_offset", "response_in", "response_to", "response_time"],
  ].map((name) => `whereabouts.${name}`),
] as const;

/** The fields of each packet of a capture, without the prefix `whereabouts.`, and without those that are empty. */
async function tshark(file: string, ...args: string[]): Promise<Record<string, string>[]> {
  const fields = FIELDS.flatMap((name) => ["-e", name]);
  const child = Bun.spawn(
    [
      "tshark",
      "-X",
      `lua_script:${DISSECTOR}`,
      "-n",
      "-r",
      file,
      "-T",
      "fields",
      "-E",
      "occurrence=f",
      ...fields,
      ...args,
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ code, err: err.replace(/^Running as user .*\n/m, "") }).toEqual({ code: 0, err: "" });
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) =>
      Object.fromEntries(
        line
          .split("\t")
          .map((value, i): [string, string] => [FIELDS[i]!.replace(/^whereabouts\.|^_ws\.(?:col\.)?/, ""), value])
          .filter(([, value]) => value !== ""),
      ),
    );
}

async function vectors(name: string): Promise<Uint8Array[]> {
  const lines = (await Bun.file(join(ROOT, "tests/vectors", name)).text()).trimEnd().split("\n");
  return lines.map((line) => Uint8Array.fromHex(JSON.parse(line).hex));
}

const codec = createCodec();

/** The fields that the dissector must show for a datagram, in the words of the codec. */
function expected(payload: Uint8Array): Record<string, string> {
  const result = codec.tryDecode(payload);
  if (!result.ok) {
    const { code, offset } = result;
    return { error: code, error_offset: `${offset}`, "expert.message": new PacketError(code, offset).message };
  }
  const { packet } = result;
  const shown: Record<string, string> = { type: packet.type };
  if (packet.nodeId.length > 0) shown.node_id = hex(packet.nodeId);
  const text = nodeIdToText(packet.nodeId);
  if (text !== undefined && /^[ -~]+$/.test(text)) shown.node_id_text = text;
  if (packet.type === "query") return shown;
  shown.port = `${packet.port}`;
  if (packet.ip.length === 4) shown.ip = ipToText(packet.ip)!;
  if (packet.ip.length === 16) shown.ipv6 = hex(packet.ip);
  return shown;
}

/** The fields of {@link expected} among those that tshark shows. */
function shown(packet: Record<string, string>): Record<string, string> {
  const names =
    packet.error === undefined
      ? ["type", "node_id", "node_id_text", "port", "ip", "ipv6"]
      : ["error", "error_offset", "expert.message"];
  return Object.fromEntries(names.flatMap((name) => (packet[name] === undefined ? [] : [[name, packet[name]]])));
}

/** tshark's text of an IPv6 address need not be the codec's, so both are compared as bytes. */
function comparable({ ipv6, node_id, node_id_text, ...rest }: Record<string, string>): Record<string, string> {
  const isAscii = node_id_text !== undefined && /^[ -~]+$/.test(node_id_text);
  return {
    ...rest,
    ...(ipv6 === undefined ? {} : { ipv6: ipv6.includes(":") ? new URL(`http://[${ipv6}]`).hostname : ipv6 }),
    ...(node_id === undefined ? {} : { node_id: node_id.replaceAll(":", "") }),
    ...(isAscii ? { node_id_text: node_id_text! } : {}),
  };
}

/** The first and last character of each range of `kind`, and the characters around it. Without surrogates. */
function charactersAround(kind: RegExp): string[] {
  const codes = new Set<number>();
  let before = false;
  for (let code = 0; code <= 0x10ffff; code++) {
    const is = kind.test(String.fromCodePoint(code));
    if (is !== before) for (const edge of [code - 1, code]) if (edge >= 0) codes.add(edge);
    before = is;
  }
  return [...codes].map((code) => String.fromCodePoint(code)).filter((text) => text.isWellFormed());
}

describe("deploy/wireshark", () => {
  testIf(hasTshark, NEEDS_TSHARK)(
    "has a dissector that shows text as text, unless a character of it hides, controls or is private",
    async () => {
      const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u;
      const texts = charactersAround(hidden).filter((text) => hidden.test(text) || text.search(UNPRINTABLE) < 0);
      const ids = texts.map((text) => Uint8Array.from(Buffer.from(`a${text}b`)));
      using folder = new Folder();
      const frames = ids.map((id) => ({ bytes: ipv4(query(id), { to: 22025, from: 4001 }) }));
      await Bun.write(folder.at("text.pcap"), pcap(frames, { linkType: RAW }));
      const packets = await tshark(folder.at("text.pcap"));
      const names = texts.map((text) => text.codePointAt(0)!.toString(16));
      const shownAsText = names.filter((_, i) => packets[i]!.node_id_text !== undefined);
      expect(shownAsText.length).toBeGreaterThan(20);
      expect(shownAsText).toEqual(names.filter((_, i) => !hidden.test(texts[i]!)));
    },
    TEST_LIMIT_MS,
  );

  testIf(hasTshark, NEEDS_TSHARK)(
    "has a dissector that accepts what the codec accepts, and marks the rest with its error, also in random packets",
    async () => {
      const random = new Random(17);
      const known = [...(await vectors("v1.jsonl")), ...(await vectors("v1-oracle.jsonl"))];
      const mutated = Array.from({ length: 1000 }, () => mutate(random, random.pick(known)));
      const noise = Array.from({ length: 200 }, () => random.bytes(random.below(40)));
      // Wireshark calls no dissector for an empty datagram.
      const payloads = [...known, ...mutated, ...noise].filter(({ length }) => length > 0);
      // Each to a port of the protocol, and again to another one. So far apart that no query waits for an answer.
      const frames: Captured[] = payloads.flatMap((payload, i) =>
        [21025 + 1000 * (i % 2), 4000].map((to) => ({ bytes: ipv4(payload, { to, from: 4001 }), seconds: 10 * i })),
      );
      using folder = new Folder();
      await Bun.write(folder.at("all.pcap"), pcap(frames, { linkType: RAW }));
      const packets = await tshark(folder.at("all.pcap"));
      expect(packets.length).toBe(frames.length);

      const counts = new Map<string, number>();
      for (const [i, payload] of payloads.entries()) {
        const want = expected(payload);
        if (want.ipv6 !== undefined) {
          const { packet } = codec.tryDecode(payload) as { packet: { ip: Uint8Array } };
          want.ipv6 = new URL(`http://[${ipToText(packet.ip)}]`).hostname;
        }
        counts.set(want.error ?? want.type!, (counts.get(want.error ?? want.type!) ?? 0) + 1);
        const [ours, other] = packets.slice(2 * i, 2 * i + 2) as [Record<string, string>, Record<string, string>];
        expect(ours.Protocol, hex(payload)).toBe("Whereabouts");
        expect(comparable(shown(ours)), hex(payload)).toEqual(want);
        if (want.error === undefined) expect(comparable(shown(other)), hex(payload)).toEqual(want);
        else expect(other.Protocol, hex(payload)).not.toBe("Whereabouts");
      }
      expect(counts.size).toBe(8);
      for (const [what, times] of counts) expect(times, what).toBeGreaterThan(20);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasTshark, NEEDS_TSHARK)(
    "has a dissector that connects a query with its answer, where it can be told, and shows groups and hellos",
    async () => {
      const client = { from: 40000, to: 22025 };
      const server = { from: 22025, to: 40000 };
      const id = ascii("chat/ANNA");
      const answer = announcement(id, 22000, Uint8Array.of(192, 0, 2, 7));
      const at = (ms: number) => ({ seconds: 1_700_000_000 + Math.floor(ms / 1000), fraction: (ms % 1000) * 1000 });
      const lan = { from: 40000, to: 21025 };
      const frames: Captured[] = [
        { bytes: ipv4(query(id), client), ...at(0) },
        { bytes: ipv4(query(ascii("BEN")), client), ...at(1) },
        { bytes: ipv6(query(id), client), ...at(2) },
        { bytes: reversed(ipv4(answer, server)), ...at(12) },
        // There is no other query that it could answer.
        { bytes: reversed(ipv4(answer, server)), ...at(13) },
        { bytes: reversed(ipv4(announcement(ascii("OTHER"), 1), server)), ...at(14) },
        // The same query again, so the answer may be to either.
        { bytes: ipv4(query(ascii("BEN")), client), ...at(300) },
        { bytes: reversed(ipv4(announcement(ascii("BEN"), 2, new Uint8Array(16)), server)), ...at(350) },
        // Nobody waits for an answer that long.
        { bytes: reversed(ipv6(answer, server)), ...at(5003) },
        { bytes: ipv4(announcement(ascii("chat/x7Qz"), 0), lan), ...at(6000) },
        { bytes: ipv4(announcement(Uint8Array.of(0x1b, 0x2f, 0x41), 5), lan), ...at(6001) },
        { bytes: ipv4(query(id), client).slice(0, -6), length: 48, ...at(6002) },
        { bytes: ipv4(query(id), { to: 4000 }).slice(0, -6), length: 48, ...at(6003) },
      ];
      using folder = new Folder();
      await Bun.write(folder.at("lookups.pcap"), pcap(frames, { linkType: RAW }));
      // With -2 it reads the capture twice, and so knows the answer when it shows the query.
      // The filters of the docs are one that is true for each packet, so that tshark checks them all.
      const filters = [...(await documentedFilters()), "frame"].join(" || ");
      const packets = await tshark(folder.at("lookups.pcap"), "-2", "-Y", filters);
      const told = ["number", "Info", "group", "hello", "response_in", "response_to", "response_time"];
      const lines = packets.map((packet) =>
        told.map((name) => packet[name] ?? packet[`frame.${name}`] ?? "-").join(" | "),
      );
      expect(lines).toEqual([
        "1 | Query chat/ANNA | chat | - | 4 | - | -",
        "2 | Query BEN | - | - | - | - | -",
        "3 | Query chat/ANNA | chat | - | - | - | -",
        "4 | Announcement chat/ANNA at 192.0.2.7:22000 | chat | - | - | 1 | 0.012000000",
        "5 | Announcement chat/ANNA at 192.0.2.7:22000 | chat | - | - | - | -",
        "6 | Announcement OTHER, port 1 | - | - | - | - | -",
        "7 | Query BEN | - | - | - | - | -",
        "8 | Announcement BEN at [::]:2 | - | - | - | - | -",
        "9 | Announcement chat/ANNA at 192.0.2.7:22000 | chat | - | - | - | -",
        "10 | Hello chat/x7Qz | chat | 1 | - | - | -",
        "11 | Announcement 0x1b2f41, port 5 | - | - | - | - | -",
        "12 | Captured only in part: query | - | - | - | - | -",
        "13 | 40000 → 4000 Len=20 | - | - | - | - | -",
      ]);
      const remarks = packets.flatMap((packet) => packet["expert.message"] ?? []);
      expect(remarks.filter((remark) => !remark.startsWith("Illegal checksum"))).toEqual([
        "The same query was sent several times, so it cannot be told which one this answers",
        "Only the first bytes of the packet were captured",
      ]);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasTshark, NEEDS_TSHARK)(
    "has a dissector that reads a flood of queries for one node as fast as other packets, and still knows their answers",
    async () => {
      const id = ascii("NODE");
      const FLOOD = 8000;
      const from = (n: number) => [10, 1, n >> 8, n & 255];
      const to = [10, 0, 0, 2];
      const packet = (payload: Uint8Array, source: number[], destination: number[], ports: object): Captured => ({
        bytes: ipv4(payload, ports).toSpliced(12, 8, ...source, ...destination),
      });
      const client = { from: 40000, to: 22025 };
      const server = { from: 22025, to: 40000 };
      // From one address, and from as many addresses.
      const frames = Array.from({ length: FLOOD }, (_, n) => [
        packet(query(id), from(0), to, client),
        packet(query(id), from(n + 1), to, client),
      ]).flat();
      frames.push(packet(announcement(id, 1), to, from(0), server), packet(announcement(id, 1), to, from(7), server));
      using folder = new Folder();
      await Bun.write(folder.at("flood.pcap"), pcap(frames, { linkType: RAW }));
      // Takes minutes if each query is compared with all before it.
      const [first, second] = await tshark(folder.at("flood.pcap"), "-Y", 'whereabouts.type == "announcement"');
      expect(first!["expert.message"]).toStartWith("The same query was sent several times");
      expect(first!.response_to).toBeUndefined();
      expect(second!.response_to).toBe("14");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasTshark && hasNetns, hasTshark ? NEEDS_NETNS : NEEDS_TSHARK)(
    "has a dissector that shows what decode --pcap prints, of packets that a server and its clients really sent",
    async () => {
      await using host = await Host.create();
      using folder = new Folder();
      const file = folder.at("real.pcapng");
      const by = host.command([]);
      const capture = Bun.spawn([...by, "dumpcap", "-q", "-i", "lo", "-f", "udp", "-w", file], { stderr: "pipe" });
      await new OutputLines(capture.stderr).next(/^File: /);
      const server = start(["server", "--host", "127.0.0.1", "--workers", "1"], { by });
      await new OutputLines(server.stdout).next(/listens on/);
      const client = ["--server", "127.0.0.1"];
      const announce = start(["announce", "--id", "ANNA", "--port", "22000", ...client], { by });
      await new OutputLines(announce.stdout).next(/confirmed/);
      expect(await run(["lookup", "ANNA", ...client], "", { by })).toMatchObject({ code: 0 });
      for (const child of [announce, server]) {
        child.kill("SIGTERM");
        await child.exited;
      }
      await until(() => Bun.file(file).size > 500, "dumpcap to write packets");
      capture.kill("SIGINT");
      await capture.exited;
      const { out, code } = await run(["decode", "--pcap", file]);
      expect(code).toBe(0);
      const decoded = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      const packets = await tshark(file, "-2", "-Y", "whereabouts");
      expect(packets.map((packet) => [Number(packet["frame.number"]), packet.type, packet.node_id_text])).toEqual(
        decoded.map(({ frame, type, nodeId }) => [frame, type, nodeId]),
      );
      const answers = packets.filter((packet) => packet.response_to !== undefined);
      expect(answers.length).toBeGreaterThanOrEqual(2);
      expect(answers.every(({ ip }) => ip === "127.0.0.1")).toBe(true);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasTshark, NEEDS_TSHARK)(
    "has a dissector that shows what docs/wireshark.md says, installed as it says",
    async () => {
      using folder = new Folder();
      await Bun.write(folder.at("lookup.pcap"), pcap(DOCUMENTED, { linkType: RAW }));
      const sh = async (commands: string) => {
        const env = { ...Bun.env, HOME: folder.path, TZ: "UTC" };
        const child = Bun.spawn(["sh", "-ec", commands], { env, cwd: folder.path, stdout: "pipe", stderr: "pipe" });
        const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
        return { out, code, err: err.replace(/^Running as user .*\n/m, "") };
      };
      const blocks = await blocksOf("docs/wireshark.md");
      const install = blocks.find(({ code }) => code.includes("mkdir"))!.code.replace("deploy/", `${ROOT}/deploy/`);
      expect(await sh(install)).toMatchObject({ code: 0, err: "" });
      const shown = blocks.flatMap(({ code }, i) =>
        blocks[i + 1]?.language === "text" ? [[code, blocks[i + 1]!.code]] : [],
      );
      expect(shown.length).toBe(3);
      for (const [command, output] of shown) {
        const line = command!.replace("npx whereabouts", `${process.execPath} ${MAIN}`);
        expect(await sh(line), command).toEqual({ code: 0, err: "", out: output! });
      }
    },
    TEST_LIMIT_MS,
  );
});

/** The display filters and the fields that docs/wireshark.md names. */
async function documentedFilters(): Promise<string[]> {
  const text = await pageText("docs/wireshark.md");
  const filters = [...text.matchAll(/`(whereabouts[^`]*)`/g)].map(([, filter]) => filter!);
  const fields = /^Other fields: ([\s\S]*?)\. /m.exec(text)![1]!.matchAll(/`(\w+)`/g);
  const all = [...filters, ...[...fields].map(([, name]) => `whereabouts.${name}`)].filter(
    (name) => !name.includes("decode"),
  );
  expect(all.length).toBeGreaterThan(15);
  return all.map((filter) => `(${filter})`);
}

/** An IP packet with its addresses exchanged. */
function reversed(packet: number[]): number[] {
  const [at, size] = packet[0]! >> 4 === 4 ? [12, 4] : [8, 16];
  const addresses = packet.slice(at, at + 2 * size);
  return packet.toSpliced(at, 2 * size, ...addresses.slice(size), ...addresses.slice(0, size));
}
