/** `bun run bench:https`: it measures what it should. How fast the servers are does not matter here. */
import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { ATTACKS, type Attack, attacks, hostAddress } from "../../bench/https/abuse/attacks.ts";
import { H2_PREFACE, REQUESTS, resets } from "../../bench/https/abuse/bytes.ts";
import { abuseTable, abuseTargetLine, abuseTargets } from "../../bench/https/abuse/report.ts";
import type { AbuseRow } from "../../bench/https/abuse/run.ts";
import { Certificates } from "../../bench/https/certificate.ts";
import {
  type Memory,
  memoryTable,
  type Row,
  rowOf,
  type Sample,
  table,
  targetLine,
  targets,
} from "../../bench/https/report.ts";
import { SUBJECTS } from "../../bench/https/subjects.ts";
import { runBench } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../support/syncthing/stdiscosrv.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/https/main.ts";

const bench = (...args: string[]) => runBench(BENCH, args);

const LOADS = [
  "look-ups over TLS",
  "look-ups behind a proxy",
  "the same, half of unknown devices",
  "announcements, a handshake each",
];

testIf(hasStdiscosrv, NEEDS_STDISCOSRV)(
  "bench:https measures look-ups, announcements and memory, and every reply is right",
  async () => {
    const { out, err, code } = await bench("--quick", "--devices", "200", "--seconds", "0.1", "--json");
    expect(code, err).toBe(0);
    const { host, devices, rows, memory, targets } = JSON.parse(out);
    expect({ bun: host.bun, devices }).toEqual({ bun: Bun.version, devices: 200 });
    expect((rows as Row[]).map(({ load }) => load)).toEqual(LOADS);
    for (const { samples, ratio } of rows as Row[]) {
      for (const name of SUBJECTS) {
        expect(samples[name]).toEqual([
          { perSecond: expect.any(Number), cpu: expect.any(Number), load: expect.any(Number) },
        ]);
        expect(samples[name]![0]!.perSecond).toBeGreaterThan(0);
      }
      expect(ratio).toEqual({ perSecond: expect.any(Number), cpu: expect.any(Number) });
    }
    expect((memory as Memory[]).map(({ subject }) => subject)).toEqual([...SUBJECTS]);
    for (const { empty } of memory) expect(empty).toBeGreaterThan(0);
    expect(targets.length).toBe(1);
  },
  LONG_LIMIT_MS,
);

testIf(process.platform === "linux", "needs Linux")(
  "bench:https --abuse measures honest clients, the attacker and the server's memory",
  async () => {
    const attacks = ["--attacks", "none,idle,look-ups,headers", "--connections", "20", "--seconds", "0.5"];
    const { out, err, code } = await bench("--abuse", "--quick", ...attacks, "--json");
    expect(code, err).toBe(0);
    const rows: AbuseRow[] = JSON.parse(out).rows;
    const names = ["no attack", "20 idle connections of 1 host", "20 idle connections of 20 hosts"];
    expect(rows.map(({ attack }) => attack.name)).toEqual([...names, "look-ups", "headers of 1 MB"]);
    for (const { honest, memory, alive } of rows) {
      expect(alive).toBe(true);
      expect(honest.https.asked).toBe(3);
      expect(honest.https.ms.length).toBeGreaterThan(0);
      expect(honest.udp!.asked).toBe(25);
      expect(honest.udp!.ms.length).toBeGreaterThan(0);
      expect(memory.peak).toBeGreaterThanOrEqual(memory.before);
    }
    const [none, idle, , lookUps, headers] = rows;
    expect(none!.attacker).toBeUndefined();
    expect(idle!.attacker).toMatchObject({ opened: 20, sent: 0 });
    // The attacker asks for an unknown device; the headers are too large.
    expect(lookUps!.attacker!.statuses[404]).toBeGreaterThan(0);
    expect(headers!.attacker!.sent).toBeGreaterThan(0);
    expect(headers!.attacker!.statuses[404]).toBeUndefined();
  },
  LONG_LIMIT_MS,
);

describe("the attacks of bench:https", () => {
  test("are those of all kinds, with names that differ, and hosts with addresses that differ", () => {
    const all = attacks(10_000);
    expect([...new Set(all.map(({ what }) => what))]).toEqual([...ATTACKS]);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    const addresses = Array.from({ length: 1_000 }, (_, n) => hostAddress(n));
    expect(new Set(addresses).size).toBe(1_000);
    expect(addresses.slice(0, 2)).toEqual(["127.30.0.1", "127.30.1.1"]);
  });

  test("send requests of the sizes that their names say", () => {
    const bodyOf = (what: keyof typeof REQUESTS) => REQUESTS[what]().toString("latin1").split("\r\n\r\n");
    expect(bodyOf("headers")[0]!.length).toBeGreaterThan(1_000_000);
    const [head, body] = bodyOf("large-json");
    expect(head).toContain(`Content-Length: ${body!.length}`);
    expect(body!.length).toBeGreaterThan(9_900_000);
    const chunks = bodyOf("chunked-json")[1]!;
    expect(chunks).toStartWith('10000\r\n{"addresses":["tcp://');
    const joined = chunks.replace(/\r\n0$/, "").replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, "");
    // Not toBe, which would print both.
    expect(joined === body).toBe(true);
    expect(bodyOf("deep-json")[1]).toMatch(/^\{"addresses":\[{10000}\]{10000}\}$/);
    const { addresses } = JSON.parse(bodyOf("addresses")[1]!);
    expect(new Set(addresses).size).toBe(1_000);
    expect(JSON.parse(bodyOf("long-address")[1]!).addresses[0].length).toBeGreaterThan(1_000_000);
  });

  test("open streams of h2 and reset each at once", () => {
    const frames = [];
    const bytes = Buffer.concat([H2_PREFACE.subarray(24), resets(7, 2)]);
    for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      frames.push([bytes[at + 3], bytes[at + 4], bytes.readUInt32BE(at + 5)]);
    }
    const [SETTINGS, HEADERS, RST_STREAM, ENDS] = [4, 1, 3, 5];
    expect(frames).toEqual([
      [SETTINGS, 0, 0],
      [HEADERS, ENDS, 7],
      [RST_STREAM, 0, 7],
      [HEADERS, ENDS, 9],
      [RST_STREAM, 0, 9],
    ]);
  });
});

describe("the figures of bench:https --abuse", () => {
  const attack: Attack = { name: "headers of 1 MB", what: "headers", hosts: 16, connections: 16 };
  const good: AbuseRow = {
    subject: "whereabouts",
    attack,
    honest: { udp: { asked: 100, ms: new Array(100).fill(1) }, https: { asked: 4, ms: [2, 2, 3, 9] } },
    attacker: { open: 16, opened: 20, ended: 4, sent: 99, statuses: { 431: 99 } },
    memory: { before: 50e6, peak: 306e6, after: 60e6 },
    alive: true,
  };
  const bad: AbuseRow = {
    ...good,
    honest: { udp: { asked: 100, ms: [...new Array(98).fill(1), 101] }, https: { asked: 4, ms: [2, 2, 3] } },
    memory: { ...good.memory, peak: 307e6 },
  };

  test("reach a target or miss it, and a server that ended misses it", () => {
    expect(abuseTargets([good]).map(abuseTargetLine)).toEqual([
      "reached      headers of 1 MB: UDP queries answered within 100 ms: 100.0 % (at least 99.0 %)",
      "reached      headers of 1 MB: HTTPS look-ups answered: 100.0 % (at least 99.0 %)",
      "reached      headers of 1 MB: MB more at the peak: 256 (at most 256)",
    ]);
    expect(abuseTargets([bad]).map(abuseTargetLine)).toEqual([
      "not reached  headers of 1 MB: UDP queries answered within 100 ms: 98.0 % (at least 99.0 %)",
      "not reached  headers of 1 MB: HTTPS look-ups answered: 75.0 % (at least 99.0 %)",
      "not reached  headers of 1 MB: MB more at the peak: 257 (at most 256)",
    ]);
    expect(abuseTargets([{ ...good, alive: false }]).map(abuseTargetLine)).toContain(
      "not reached  headers of 1 MB: the server still runs: no",
    );
  });

  test("are printed as a table, without UDP for a server that does not speak it", () => {
    const https = { ...good.honest, udp: undefined };
    expect(
      abuseTable([good, { ...good, honest: https, attacker: undefined }])
        .split("\n")
        .slice(1),
    ).toEqual([
      "headers of 1 MB  100.0 %      1.0  100.0 %  2.0      3.0         50   306     60    16      4    99",
      "headers of 1 MB                    100.0 %  2.0      3.0         50   306     60",
    ]);
  });
});

describe("the figures of bench:https", () => {
  const sample = (perSecond: number, cpu = 20): Sample => ({ perSecond, cpu, load: 0.5 });

  test("are medians of the rounds; ratios are those of each round, because the machine's speed drifts", () => {
    const row = rowOf("look-ups behind a proxy", {
      whereabouts: [sample(100, 9), sample(10, 8), sample(120, 7)],
      stdiscosrv: [sample(50), sample(5), sample(100)],
    });
    expect(row).toMatchObject({
      ratio: { perSecond: 2, cpu: 0.4 },
      medians: { whereabouts: sample(100, 8), stdiscosrv: sample(50) },
    });
  });

  test("have a target for look-ups behind a proxy, if both servers were measured", () => {
    const row = (load: string, ours: number) => rowOf(load, { whereabouts: [sample(ours)], stdiscosrv: [sample(100)] });
    const rows = [...LOADS.map((load) => row(load, 100)), rowOf(LOADS[1]!, { whereabouts: [sample(1)] })];
    expect(targets(rows).map(targetLine)).toEqual([
      "reached      look-ups behind a proxy: whereabouts / stdiscosrv: 1.00 (at least 1)",
    ]);
    expect(targets([row(LOADS[1]!, 99)]).map(targetLine)).toEqual([
      "not reached  look-ups behind a proxy: whereabouts / stdiscosrv: 0.99 (at least 1)",
    ]);
  });

  test("are printed as tables with aligned columns", () => {
    const rows = [
      rowOf(LOADS[0]!, { whereabouts: [sample(12_345.6, 7.25)], stdiscosrv: [sample(9_000, 111)] }),
      rowOf(LOADS[1]!, { whereabouts: [sample(5)] }),
    ];
    expect(table(rows)).toBe(`                                      per second  ratio     us  ratio  load
look-ups over TLS        whereabouts      12,346   1.37    7.3   0.07  50 %
                         stdiscosrv        9,000         111.0         50 %
look-ups behind a proxy  whereabouts           5          20.0         50 %`);
    expect(memoryTable([{ subject: "whereabouts", empty: 9.4e6, loaded: 123e6 }])).toBe(
      `             MB empty  MB loaded
whereabouts         9        123`,
    );
  });
});

describe("the certificates of bench:https", () => {
  const certificates = new Certificates();

  test("are certificates like Syncthing's, of which the first is signed by its key", () => {
    const first = new X509Certificate(certificates.pem(0));
    expect(first.subject).toBe("CN=syncthing");
    expect(first.verify(first.publicKey)).toBe(true);
    expect(first.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "secp384r1" });
  });

  test("differ in their serial numbers, so that each is another device, and have one key", () => {
    const all = [0, 1, 255, 256, 99_999].map((n) => new X509Certificate(certificates.pem(n)));
    expect(all.map(({ serialNumber }) => Number(`0x${serialNumber.slice(2)}`))).toEqual([0, 1, 255, 256, 99_999]);
    expect(new Set(all.map(({ raw }) => createHash("sha256").update(raw).digest("hex"))).size).toBe(5);
    expect(certificates.der(255)).toEqual(all[2]!.raw);
    const keys = all.map(({ publicKey }) => publicKey.export({ type: "spki", format: "pem" }));
    expect(new Set(keys).size).toBe(1);
  });
});
