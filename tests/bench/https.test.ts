/** `bun run bench:https`: it measures what it should. How fast the servers are does not matter here. */
import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { Certificates } from "../../bench/https/certificate.ts";
import { memoryTable, type Row, rowOf, type Sample, table, targetLine, targets } from "../../bench/https/report.ts";
import { testIf } from "../support/needs.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../support/syncthing/discovery.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = new URL("../../bench/https/main.ts", import.meta.url).pathname;

async function bench(...args: string[]) {
  const child = Bun.spawn([process.execPath, BENCH, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

const LOADS = [
  "look-ups over TLS",
  "look-ups behind a proxy",
  "the same, half of unknown devices",
  "announcements, a handshake each",
];

testIf(hasStdiscosrv, NEEDS_STDISCOSRV)(
  "bench:https measures look-ups, announcements and memory, and every reply is right",
  async () => {
    const { out, err, code } = await bench("--quick", "--subjects", "stdiscosrv", "--devices", "200", "--json");
    expect(code, err).toBe(0);
    const { host, devices, rows, memory } = JSON.parse(out);
    expect({ bun: host.bun, devices }).toEqual({ bun: Bun.version, devices: 200 });
    expect((rows as Row[]).map(({ load }) => load)).toEqual(LOADS);
    for (const { samples } of rows as Row[]) {
      for (const of of Object.values(samples)) {
        expect(of.length).toBe(1);
        expect(of[0]!.perSecond).toBeGreaterThan(0);
      }
    }
    for (const { empty } of memory) expect(empty).toBeGreaterThan(0);
  },
  TEST_LIMIT_MS,
);

describe("the figures of bench:https", () => {
  const sample = (perSecond: number, cpu = 20): Sample => ({ perSecond, cpu, load: 0.5 });

  test("are medians of the rounds; ratios are those of each round, because the machine's speed drifts", () => {
    const row = rowOf("look-ups behind a proxy", {
      whereabouts: [sample(100, 9), sample(10, 8), sample(120, 7)],
      stdiscosrv: [sample(50), sample(5), sample(100)],
    });
    expect(row).toMatchObject({ ratio: 2, medians: { whereabouts: sample(100, 8), stdiscosrv: sample(50) } });
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
    expect(table(rows)).toBe(`                                      per second     us  load  ratio
look-ups over TLS        whereabouts      12,346    7.3  50 %   1.37
                         stdiscosrv        9,000  111.0  50 %
look-ups behind a proxy  whereabouts           5   20.0  50 %`);
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
