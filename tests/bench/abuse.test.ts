/** `bun run bench:abuse`: its forged packets are valid, and it counts what it should. What a server stands does not matter here. */
import { describe, expect, test } from "bun:test";
import { type Attack, attacks, GROUPS } from "../../bench/abuse/attacks.ts";
import { addressWords, type FrameOptions, Frames } from "../../bench/abuse/frames.ts";
import { markdownTables, type Row, targetLine, targets, textTables } from "../../bench/abuse/report.ts";
import { ipFromText } from "../../src/codec/index.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { ascii, hex } from "../support/packets.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/abuse/main.ts";

const bench = (args: readonly string[]) => runBench(BENCH, args);

/** The ones' complement sum of big-endian half-words (RFC 1071); 0xffff if a checksum in it is right. */
function sum(...parts: readonly Uint8Array[]): number {
  let total = 0;
  for (const part of parts) for (const [i, byte] of part.entries()) total += i % 2 === 0 ? byte << 8 : byte;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

describe("a forged frame", () => {
  const OPTIONS: FrameOptions = {
    family: "v4",
    destinationMac: "02:00:00:00:00:01",
    destination: "10.10.0.1",
    sourcePort: 4711,
    destinationPort: 22025,
    payloads: [ascii("01234567"), ascii("abcdefgh")],
  };

  test("of IPv4 has the source and the payload that were set, and a correct checksum", () => {
    const frames = new Frames(3, OPTIONS);
    for (const [i, source] of ["198.51.100.7", "255.255.255.255", "1.0.0.0"].entries()) {
      frames.setPayload(i, 1);
      frames.setSource4(i, addressWords(source)[0]!);
      const frame = frames.frame(i);
      expect(hex(frame.subarray(0, 14))).toBe("0200000000010200000000000800");
      expect(hex(frame.subarray(14, 24))).toBe("45000024000000004011");
      expect(frame.subarray(26, 30)).toEqual(ipFromText(source));
      expect(frame.subarray(30, 34)).toEqual(ipFromText("10.10.0.1"));
      expect(hex(frame.subarray(34, 42))).toBe("1267560900100000");
      expect(frame.subarray(42)).toEqual(ascii("abcdefgh"));
      expect(sum(frame.subarray(14, 34))).toBe(0xffff);
    }
  });

  test("of IPv6 has the source and the payload that were set, and a correct checksum", () => {
    const frames = new Frames(3, { ...OPTIONS, family: "v6", destination: "fd10::1" });
    for (const [i, source] of ["fd40:0:0:1::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1"].entries()) {
      frames.setPayload(i, 1);
      frames.setSource6(i, addressWords(source), 0);
      const frame = frames.frame(i);
      expect(hex(frame.subarray(12, 22))).toBe("86dd6000000000101140");
      expect(frame.subarray(22, 38)).toEqual(ipFromText(source));
      expect(frame.subarray(38, 54)).toEqual(ipFromText("fd10::1"));
      expect(hex(frame.subarray(54, 60))).toBe("126756090010");
      expect(frame.subarray(62)).toEqual(ascii("abcdefgh"));
      // The pseudo-header: both addresses, the length, the protocol.
      expect(sum(frame.subarray(22, 54), Uint8Array.of(0, 16, 0, 17), frame.subarray(54))).toBe(0xffff);
    }
  });

  test("has another number for each stamp, at the same place", () => {
    const frames = new Frames(1, { ...OPTIONS, payloads: [ascii("0123456789abcdef")], stampAt: 4 });
    const payloads = [0, 1, 0xffff, 0x10000, 0xffffffff].map((n) => {
      frames.stamp(0, n);
      return new TextDecoder().decode(frames.frame(0).subarray(42));
    });
    expect(payloads).toEqual(
      ["AAAAAAAA", "BAAAAAAA", "PPPPAAAA", "AAAABAAA", "PPPPPPPP"].map((stamp) => `0123${stamp}cdef`),
    );
  });
});

describe("bench:abuse", () => {
  testIf(hasNetns, NEEDS_NETNS)(
    "measures honest clients and the attacker, each from its own network",
    async () => {
      const only = ["--only", "control,neighbors,nat,redirect", "--seconds", "0.5"];
      const { out, err, code } = await bench(["--quick", ...only, "--json"]);
      expect(code, err).toBe(0);
      const { rows, quick, transport } = JSON.parse(out);
      expect({ quick, transport }).toEqual({ quick: true, transport: "mmsg" });
      const byGroup = Object.groupBy(rows as (Row & { group: string })[], ({ group }) => group);
      expect(Object.keys(byGroup)).toEqual(["control", "neighbors", "nat", "redirect"]);
      const [none, garbage] = byGroup.control!;
      expect(none).toMatchObject({ sent: 0, answers: 0 });
      expect(none!.shares.lookups).toBe(1);
      expect(none!.medianMs).toBeGreaterThan(0);
      // Garbage gets no reply; queries from IPv4 and IPv6 do, and they go to the attacker.
      expect(garbage!.sent).toBeGreaterThan(0);
      expect(garbage!.answers).toBeLessThan(20);
      for (const row of [...byGroup.neighbors!, ...byGroup.nat!]) expect(row.answers).toBeGreaterThan(20);
      for (const row of byGroup.neighbors!) expect(row.shares.queries).toBeGreaterThan(0);
      const [redirect] = byGroup.redirect!;
      expect(redirect!.redirected).toBeGreaterThan(0);
      expect(redirect!.shares.kept).toBeLessThan(1);
      for (const row of rows as Row[]) expect(row.memoryAfter).toBeGreaterThan(0);
    },
    LONG_LIMIT_MS,
  );

  test("says why it does nothing where there are no network namespaces, with exit code 0", async () => {
    const without = { ...Bun.env, PATH: "" };
    const lines = [[], ["--json"]].map((args) => ({ file: BENCH, args }));
    const [text, json] = await runBenchLines(lines, without);
    expect(text).toEqual({ out: `bench:abuse: skipped: it ${NEEDS_NETNS}\n`, err: "", code: 0 });
    expect(JSON.parse(json!.out)).toEqual({ skipped: NEEDS_NETNS });
  });
});

describe("the attacks of bench:abuse", () => {
  test("are those of all groups, and forged ones have each rate", () => {
    const all = attacks([1_000, 0]);
    expect([...new Set(all.map(({ group }) => group))]).toEqual([...GROUPS]);
    const forged = all.filter(({ flood, group }) => group === "node" && flood?.sources === "random");
    expect(forged.map(({ flood }) => flood!.rate)).toEqual([1_000, 0]);
    const names = all.map(({ group, name, flood }) => `${group} ${name} ${flood?.rate}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the figures of bench:abuse", () => {
  const ATTACK: Attack = {
    ...attacks([1_000]).find(({ group }) => group === "node")!,
    name: "a host",
    targets: { lookups: 0.99 },
  };
  const row = (given: Partial<Row>): Row => ({
    attack: ATTACK,
    asked: 250,
    sent: 249.6,
    lost: 0,
    cpu: 0.5,
    shares: { queries: 1, lookups: 1, joined: Number.NaN, kept: Number.NaN },
    medianMs: 0.25,
    p99Ms: 12,
    memoryBefore: 50e6,
    memoryAfter: 51e6,
    answers: 5,
    registered: 0,
    redirected: 0,
    ...given,
  });
  const lookups = (share: number) => ({ ...row({}).shares, lookups: share });

  test("reach a target or miss it; a row without the figure misses it", () => {
    const reached = (share: number) => targets([row({ shares: lookups(share) })])[0]!.reached;
    expect([1, 0.99, 0.98, Number.NaN].map(reached)).toEqual([true, true, false, false]);
    const missed = targets([row({ lost: 0.2, shares: lookups(0.5) })]);
    expect(missed.map(targetLine)).toEqual([
      "MISSED   node, a host, 250/s *: honest lookups answered: 50.0 % (at least 99.0 %)",
    ]);
  });

  test("are printed as a table per group, without empty columns, with a mark where the server was at its limit", () => {
    const other = row({ cpu: 0.97, attack: { ...ATTACK, group: "load", name: "much" } });
    expect(textTables([row({}), other])).toBe(
      `node    asked/s  sent/s   lost   CPU  queries  lookups  median ms  p99 ms  answers/s  MB before  after
a host      250     250  0.0 %  50 %  100.0 %  100.0 %        0.3      12          5         50     51

load    asked/s  sent/s   lost   CPU  queries  lookups  median ms  p99 ms  answers/s  MB before  after
much *      250     250  0.0 %  97 %  100.0 %  100.0 %        0.3      12          5         50     51`,
    );
    expect(markdownTables([row({})])).toBe(
      `| node | asked/s | sent/s | lost | CPU | queries | lookups | median ms | p99 ms | answers/s | MB before | after |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
| a host | 250 | 250 | 0.0 % | 50 % | 100.0 % | 100.0 % | 0.3 | 12 | 5 | 50 | 51 |`,
    );
  });
});
