/** `bun run bench:forgery`: its forged replies are valid and reach the client, and it counts what it should. */
import { describe, expect, test } from "bun:test";
import { type FrameOptions, Frames } from "../../bench/abuse/frames.ts";
import { missed, type Row, textTable } from "../../bench/forgery/report.ts";
import type { Counts } from "../../bench/forgery/task.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { ascii } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/forgery/main.ts";

const bench = (args: readonly string[]) => runBench(BENCH, args);

describe("bench:forgery", () => {
  testIf(hasNetns, NEEDS_NETNS)(
    "finds known nodes without an attack, and the attack reaches the client",
    async () => {
      const few = ["--seconds", "1.5", "--lookups", "4", "--ports", "100"];
      const { out, err, code } = await bench(["--quick", ...few, "--json"]);
      expect(code, err).toBe(0);
      const { rows, quick } = JSON.parse(out) as { rows: Row[]; quick: boolean };
      expect({ quick, names: rows.map(({ name }) => name) }).toEqual({
        quick: true,
        names: ["no attack", "confirm: false", "default options"],
      });
      const [none, ...attacks] = rows as [Row, Row, Row];
      expect(none).toMatchObject({ sent: 0, arrived: 0 });
      for (const counts of Object.values(none.result))
        expect(counts).toMatchObject({ right: 2, unknown: 2, poisoned: 0 });
      for (const { sent, arrived, result } of attacks) {
        expect(sent).toBeGreaterThan(0);
        expect(arrived).toBeGreaterThan(0);
        for (const { right, notFound, unknown, poisoned } of Object.values(result)) {
          expect(right + notFound + unknown + poisoned).toBe(4);
        }
      }
      // Without confirmation a node that the server does not know is found where the attacker says.
      expect(attacks[0]!.result.new.poisoned + attacks[0]!.result.old.poisoned).toBeGreaterThan(0);
    },
    TEST_LIMIT_MS,
  );

  test("says why it does nothing where there are no network namespaces, with exit code 0", async () => {
    const without = { ...Bun.env, PATH: "" };
    const lines = [[], ["--json"]].map((args) => ({ file: BENCH, args }));
    const [text, json] = await runBenchLines(lines, without);
    expect(text).toEqual({ out: `bench:forgery: skipped: it ${NEEDS_NETNS}\n`, err: "", code: 0 });
    expect(JSON.parse(json!.out)).toEqual({ skipped: NEEDS_NETNS });
  });
});

test("a forged frame goes to the port that was set, the rest of it is as before", () => {
  const options: FrameOptions = {
    family: "v4",
    destinationMac: "02:00:00:00:00:01",
    destination: "10.1.0.1",
    sourcePort: 22025,
    destinationPort: 1,
    payloads: [ascii("01234567"), ascii("abcdefgh")],
  };
  const untouched = new Frames(2, options).frame(0);
  for (const port of [1, 255, 256, 32_768, 65_535]) {
    const frames = new Frames(2, options);
    frames.setDestinationPort(1, port);
    expect(frames.frame(1)).toEqual(new Frames(1, { ...options, destinationPort: port }).frame(0));
    expect(frames.frame(0)).toEqual(untouched);
  }
});

describe("the rows of bench:forgery", () => {
  const NONE: Counts = { right: 50, slow: 0, notFound: 0, unknown: 50, poisoned: 0 };
  const row = (name: string, poisoned: number, target: number | undefined): Row => ({
    name,
    sent: 250_000.4,
    arrived: 249_999.6,
    result: { new: { ...NONE, poisoned }, old: { ...NONE, slow: 2 } },
    target,
  });

  test("miss their target if a lookup was poisoned; a row for comparison has none", () => {
    expect(missed([row("confirm: false", 9, undefined), row("default options", 0, 0)])).toEqual([]);
    expect(missed([row("default options", 1, 0)])).toEqual(["MISSED   default options: 1 lookups poisoned, target 0"]);
  });

  test("are printed with a line per kind of discoverer", () => {
    expect(textTable([row("default options", 1, 0)])).toBe(
      `                 discoverer      forged/s  arrived/s  right  slow  not found  unknown: right  poisoned
default options  a new one each   250,000    250,000     50     0          0              50         1
                 one for all                             50     2          0              50         0`,
    );
  });
});
