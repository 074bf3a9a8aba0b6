/** The command lines of all benches, of the fuzzer and of the soak tests. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  helpOf,
  oneOf,
  parseFlags,
  seconds,
  someOf,
  text,
  toggle,
  UsageError,
  wholeNumber,
  wholeNumbers,
} from "../../bench/options.ts";
import manifest from "../../package.json";
import { runBench, runBenchLines } from "../support/bench.ts";
import type { Outcome } from "../support/one-process-main.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

/** Every script of package.json that is a bench, a fuzzer or a soak test: a new one is tested without a change here. */
const PUBLIC = Object.entries(manifest.scripts)
  .filter(([name]) => /^(bench|fuzz|soak)(:|$)/.test(name))
  .map(([name, command]) => ({
    command: name === "bench" ? "bun bench" : `bun run ${name}`,
    file: command.replace(/^bun /, ""),
  }));

/** Programs that the benches start. */
const INTERNAL = [
  "bench/server/load/main.ts",
  "bench/server/echo/mmsg.ts",
  "bench/server/echo/udp.ts",
  "bench/journal/announcer.ts",
].map((file) => ({ command: `bun ${file}`, file }));

test("package.json names the benches, the fuzzer and the soak tests", () => {
  expect(PUBLIC.map(({ command }) => command)).toEqual(
    expect.arrayContaining([
      "bun bench",
      ...["bench:node", "bench:chromium", "bench:page", "bench:server", "bench:lookup", "bench:journal"].map(
        (name) => `bun run ${name}`,
      ),
      ...["fuzz", "soak:kill", "soak:contention"].map((name) => `bun run ${name}`),
    ]),
  );
});

const HELP = [["--help"], ["-h"]] as const;
const WRONG = [["--no-such-flag"], ["nonsense"]] as const;
const PROGRAMS = [...PUBLIC, ...INTERNAL];
const LINES = PROGRAMS.flatMap(({ file }) => [...HELP, ...WRONG].map((args) => ({ file, args })));

describe("the command line of", () => {
  let outcomes: readonly Outcome[];
  beforeAll(async () => {
    outcomes = await runBenchLines(LINES);
  }, TEST_LIMIT_MS);

  const outcomeOf = (file: string, [arg]: readonly [string]) =>
    outcomes[LINES.findIndex((line) => line.file === file && line.args[0] === arg)]!;

  describe.each(PROGRAMS)("$command", ({ command, file }) => {
    test.each(HELP)("%s prints the usage and a line per flag, and exits with 0", (flag) => {
      const { out, err, code } = outcomeOf(file, [flag]);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      const lines = out.trimEnd().split("\n");
      expect(lines[0]).toStartWith(`Usage: ${command} [options]`);
      expect(lines).toContain("Options:");
      expect(lines.at(-1)).toMatch(/^ {2}-h, --help +print this text$/);
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120);
    });

    test("a wrong flag is one line on standard error and exit code 2", () => {
      const { out, err, code } = outcomeOf(file, WRONG[0]);
      expect({ out, code }).toEqual({ out: "", code: 2 });
      expect(err).toBe(
        `${command.split(" ").at(-1)}: unknown option '--no-such-flag'; for all flags: ${command} --help\n`,
      );
    });

    test("a wrong argument is one line on standard error and exit code 2", () => {
      const { out, err, code } = outcomeOf(file, WRONG[1]);
      expect({ out, code }).toEqual({ out: "", code: 2 });
      expect(err).toMatch(/^[^\n]*(too many arguments|'nonsense' is invalid)[^\n]*; for all flags: [^\n]* --help\n$/);
    });
  });

  // All programs read their flags with optionsOf, so one of them shows it for all.
  test("a program in a process of its own has the same outcomes", async () => {
    for (const { file } of [PROGRAMS[0]!, INTERNAL[0]!]) {
      for (const args of [HELP[0], WRONG[0]]) expect(await runBench(file, args)).toEqual(outcomeOf(file, args));
    }
  });
});

describe("the parser", () => {
  const program = {
    command: "bun run bench:test",
    about: "A test.",
    flags: {
      nodes: wholeNumber({ min: 5, max: 1000, default: 10, help: "nodes" }),
      packets: wholeNumber({ min: 1, default: undefined, help: "packets" }),
      workers: wholeNumbers({ min: 1, max: 9, default: undefined, help: "workers" }),
      seconds: seconds({ default: 1, help: "length" }),
      pause: seconds({ zero: true, default: 0, help: "pause" }),
      engine: oneOf({ names: ["wasm", "ts"], value: "<name>", default: "wasm", help: "engine" }),
      what: someOf({
        names: ["hit", "miss", "mixed"],
        value: "<list>",
        default: ["hit"],
        help: "first line\nsecond line",
      }),
      host: text({ value: "<address>", default: "::", help: "address" }),
      quick: toggle("quick"),
    },
    positional: "nodes",
  } as const;
  const parse = (...args: string[]) => parseFlags(program, args);

  test("gives the defaults of flags that are not given", () => {
    expect(parse()).toEqual({
      nodes: 10,
      packets: undefined,
      workers: undefined,
      seconds: 1,
      pause: 0,
      engine: "wasm",
      what: ["hit"],
      host: "::",
      quick: false,
    });
  });

  test("takes a value as the next argument or after =, and the positional flag without its name", () => {
    expect(parse("--nodes", "7", "--seconds=0.5", "--quick", "--host", "a=b", "--pause", "0")).toMatchObject({
      nodes: 7,
      seconds: 0.5,
      quick: true,
      host: "a=b",
      pause: 0,
    });
    expect(parse("8", "--engine", "ts")).toMatchObject({ nodes: 8, engine: "ts" });
    expect(parse("--packets", "1e6")).toMatchObject({ packets: 1_000_000 });
  });

  test("sorts lists, without duplicates, and joins repeated ones of names", () => {
    expect(parse("--workers", "3,1,3", "--what", "mixed,hit")).toMatchObject({
      workers: [1, 3],
      what: ["hit", "mixed"],
    });
    expect(parse("--what", "miss", "--what", "hit")).toMatchObject({ what: ["hit", "miss"] });
  });

  test("prefers help to everything else", () => {
    expect(parse("--nonsense", "-h")).toBeUndefined();
    expect(parse("--nodes", "7", "--help")).toBeUndefined();
  });

  test.each([
    [["--node", "7"], "unknown option '--node' (Did you mean --nodes?)"],
    [["--zzzzzz"], "unknown option '--zzzzzz'"],
    [["--constructor", "1"], "unknown option '--constructor'"],
    [["-n", "7"], "unknown option '-n'"],
    [["7", "8"], "too many arguments. Expected 1 argument but got 2"],
    [["--nodes"], "option '--nodes <n>' argument missing"],
    [
      ["--nodes", "--quick"],
      "option '--nodes <n>' argument '--quick' is invalid. It must be a whole number from 5 to 1000",
    ],
    [["--quick=yes"], "unknown option '--quick=yes'"],
    [["--nodes", "4"], "option '--nodes <n>' argument '4' is invalid. It must be a whole number from 5 to 1000"],
    [["--nodes", "many"], "option '--nodes <n>' argument 'many' is invalid. It must be a whole number from 5 to 1000"],
    [["--nodes="], "option '--nodes <n>' argument '' is invalid. It must be a whole number from 5 to 1000"],
    [["--packets", "1.5"], "option '--packets <n>' argument '1.5' is invalid. It must be a whole number of 1 or more"],
    [["--workers", "1,"], "option '--workers <list>' argument '1,' is invalid. It must be a whole number from 1 to 9"],
    [
      ["--seconds", "0"],
      "option '--seconds <s>' argument '0' is invalid. It must be above 0 and up to 1000000 seconds",
    ],
    [
      ["--seconds", "soon"],
      "option '--seconds <s>' argument 'soon' is invalid. It must be above 0 and up to 1000000 seconds",
    ],
    [["--pause=-1"], "option '--pause <s>' argument '-1' is invalid. It must be from 0 to 1000000 seconds"],
    [["--engine", "c"], "option '--engine <name>' argument 'c' is invalid. It must be one of wasm, ts"],
    [["--what", "hit,all"], "option '--what <list>' argument 'hit,all' is invalid. It must be one of hit, miss, mixed"],
  ])("refuses %p", (args, message) => {
    expect(() => parse(...args)).toThrow(new UsageError(message));
  });

  test("prints help that lists every flag with its default, and indents further lines", () => {
    expect(helpOf(program)).toBe(`Usage: bun run bench:test [options] [nodes]

A test.

Options:
  --nodes <n>       nodes (default: 10)
  --packets <n>     packets
  --workers <list>  workers
  --seconds <s>     length (default: 1)
  --pause <s>       pause (default: 0)
  --engine <name>   engine (default: wasm)
  --what <list>     first line
                    second line
  --host <address>  address (default: ::)
  --quick           quick
  -h, --help        print this text`);
  });
});
