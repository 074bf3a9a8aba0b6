/** `bun run fuzz`: sends random packets to both engines and compares verdicts, replies and memory. */
import { optionsOf, wholeNumber } from "../../bench/options.ts";
import { fuzz } from "./twins.ts";

const MAX_SEED = 2 ** 31 - 1;

const { packets, seed } = optionsOf(
  {
    command: "bun run fuzz",
    about: `Sends the same random packets to both packet engines, wasm and TypeScript, and compares their verdicts, replies and
memory. Exit code 1 if they differ; the seed repeats the run.`,
    flags: {
      packets: wholeNumber({ min: 1, default: 10_000_000, help: "packets to send" }),
      seed: wholeNumber({
        min: 0,
        max: MAX_SEED,
        default: undefined,
        help: "seed of the random packets (default: random)",
      }),
    },
  },
  (values) => ({ ...values, seed: values.seed ?? Math.floor(Math.random() * MAX_SEED) }),
);
console.log(`seed ${seed}`);
const started = performance.now();
const result = fuzz(packets, seed);
console.log(JSON.stringify(result.verdicts));
if (result.difference) {
  const { packet, hex, what } = result.difference;
  console.log(`packet ${packet} of seed ${seed} differs: ${what}\n${hex}`);
  process.exit(1);
}
console.log(`${result.packets} packets in ${((performance.now() - started) / 1000).toFixed(1)} s, no difference`);
