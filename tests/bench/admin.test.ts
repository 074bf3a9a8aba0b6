/** `bun run bench:admin`: it measures what it should. How fast the admin server is does not matter here. */
import { describe, expect, test } from "bun:test";
import { type LatencyRow, latencyRow, table, targets } from "../../bench/admin/report.ts";
import { runBench } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/admin/main.ts";

testIf(process.platform === "linux", "needs Linux")(
  "bench:admin measures requests under a flood, beside hostile clients, and the cost of the page",
  async () => {
    const args = ["--quick", "--seconds", "0.5", "--transport", "mmsg", "--clients", "hostile", "--json"];
    const { out, err, code } = await runBench(BENCH, args);
    expect(code, err).toBe(0);
    const { host, latencies, costs, targets } = JSON.parse(out);
    expect(host).toMatchObject({ bun: Bun.version });
    expect(latencies.length).toBe(1);
    for (const row of latencies as LatencyRow[]) {
      expect(row).toMatchObject({ transport: "mmsg", streams: 200, hostile: true, failures: 0 });
      expect(row.requests).toBeGreaterThan(0);
      expect(row.worstMs).toBeGreaterThanOrEqual(row.p99Ms);
      expect(row.p99Ms).toBeGreaterThanOrEqual(row.medianMs);
      expect(row.medianMs).toBeGreaterThan(0);
      expect(row.packetsPerSecond).toBeGreaterThan(0);
    }
    expect(costs).toEqual([{ transport: "mmsg", ratios: [expect.any(Number)] }]);
    expect(targets.length).toBe(4);
  },
  TEST_LIMIT_MS,
);

describe("the figures of bench:admin", () => {
  const given = {
    transport: "udp",
    streams: 200,
    hostile: true,
    failures: 0,
    packetsPerSecond: 5,
    replaced: 0,
  } as const;
  const times = Array.from({ length: 101 }, (_, i) => 100 - i);

  test("are median, 99 % and the worst", () => {
    expect(latencyRow({ ...given, failures: 2 }, times)).toMatchObject({
      requests: 103,
      medianMs: 50,
      p99Ms: 99,
      worstMs: 100,
    });
    expect(() => latencyRow(given, [])).toThrow("answered no request");
  });

  test("miss their targets if requests are slow or fail, a worker is replaced, or the page costs too much", () => {
    const good = latencyRow(given, times);
    const bad = latencyRow(
      { ...given, failures: 1, replaced: 1 },
      times.map((ms) => ms + 2),
    );
    const reached = (row: LatencyRow, ratio: number) =>
      targets([row], [{ transport: "udp", ratios: [ratio, 9, 0] }]).map(({ reached }) => reached);
    expect(reached(good, 1.02)).toEqual([true, true, true, true]);
    expect(reached(bad, 1.03)).toEqual([false, false, false, false]);
  });

  test("are printed as a table with aligned columns", () => {
    const lines = table([latencyRow(given, times), latencyRow({ ...given, transport: "mmsg" }, [1000])]).split("\n");
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});
