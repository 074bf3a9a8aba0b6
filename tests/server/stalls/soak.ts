/** `bun run soak:stall`: workers that stand still at random steps, for random times. Prints a line per stall and one line of JSON. */
import { optionsOf, wholeNumber } from "../../../bench/options.ts";
import { Random } from "../../support/random.ts";
import { runStall, wrongWith } from "./run.ts";
import type { Stall, StallStep } from "./stall.ts";

const STEPS: readonly StallStep[] = [
  "idle",
  "locked",
  "refresh",
  "refresh, linking",
  "allocate",
  "insert",
  "insert, linking",
  "remove",
  "release",
];
const LEAST_MS = 200;

const { stalls, parallel, most, seed } = optionsOf(
  {
    command: "bun run soak:stall",
    about: `Starts servers under load and stops one thread of each as a debugger does: at each step of a change of the registry, at random
moments with a lock held (for 0.9 to 1.5 s), and outside of changes. Exit code 1 if the registry is damaged afterwards, a node is
missing, or a server did not end with the one line that says why.`,
    flags: {
      stalls: wholeNumber({ min: 1, default: 200, help: "how often a thread is stopped" }),
      parallel: wholeNumber({ min: 1, max: 64, default: 8, help: "servers at the same time" }),
      most: wholeNumber({ min: LEAST_MS, default: 20_000, help: "the longest stop in ms; the shortest is 200" }),
      seed: wholeNumber({
        min: 1,
        max: 2 ** 31 - 1,
        default: undefined,
        help: "seed of the steps and times (default: random)",
      }),
    },
  },
  (values) => ({ ...values, seed: values.seed ?? 1 + Math.floor(Math.random() * (2 ** 31 - 2)) }),
);
const random = new Random(seed);
const counts = { kept: 0, replaced: 0, ended: 0, wrong: 0 };
let started = 0;

async function run(): Promise<void> {
  while (started < stalls) {
    const n = ++started;
    const engine = random.once(2) ? "wasm" : "ts";
    const step = STEPS[n % STEPS.length]!;
    const ms = step === "locked" ? 900 + random.below(600) : LEAST_MS + random.below(most - LEAST_MS + 1);
    let result: Stall | undefined;
    let wrong: string;
    try {
      result = await runStall(engine, step, ms);
      wrong = wrongWith(result);
      counts[result.outcome]++;
    } catch (error) {
      wrong = (error as Error).message;
    }
    if (wrong !== "") counts.wrong++;
    console.error(
      `stall ${n}: ${engine}, ${step}, ${ms} ms: ${result?.outcome ?? "failed"}${wrong && `; WRONG: ${wrong}`}`,
    );
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: parallel }, run));
console.log(JSON.stringify({ stalls, seed, ...counts, seconds: Math.round((performance.now() - began) / 1000) }));
process.exitCode = counts.wrong > 0 ? 1 : 0;
