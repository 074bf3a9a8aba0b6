/**
 * `bun run soak:kill`: kills a server with SIGKILL under announcements, again and again on the same journal, and checks
 * after each restart that it knows what it must. Prints a line per kill and one line of JSON at the end.
 */
import { optionsOf, wholeNumber } from "../../../bench/options.ts";
import { KillHarness, type SoakResult } from "./harness.ts";

const MAX_SEED = 2 ** 31 - 1;

const { kills, rate, seed } = optionsOf(
  {
    command: "bun run soak:kill",
    about: `Kills a server with SIGKILL while nodes are announced to it, starts it again on the same journal, and checks its replies,
over and over. Exit code 1 if a node was lost, a reply was wrong, or an expired node was still answered.`,
    flags: {
      kills: wholeNumber({ min: 1, default: 100, help: "how often the server is killed" }),
      rate: wholeNumber({ min: 1, default: 20_000, help: "announcements per second" }),
      seed: wholeNumber({
        min: 1,
        max: MAX_SEED,
        default: undefined,
        help: "seed of the random nodes and times (default: random)",
      }),
    },
  },
  (values) => ({ ...values, seed: values.seed ?? 1 + Math.floor(Math.random() * (MAX_SEED - 1)) }),
);
await using harness = await KillHarness.create(rate, seed);
let sum: SoakResult | undefined;
for (let kill = 1; kill <= kills; kill++) {
  const result = await harness.kill();
  const { handled, asked, missing, wrong, stale, expired, restored, restoreMs } = result;
  console.error(
    `kill ${kill}: ${handled} announcements per second; ${restored} nodes restored, listening ${restoreMs} ms after the start; ${asked} queried: ${missing} missing, ${wrong} wrong; ${stale} of ${expired} expired nodes still answered`,
  );
  sum = KillHarness.add(sum, result);
}
console.log(JSON.stringify({ kills, rate, seed, ...sum }));
process.exitCode = sum!.missing + sum!.wrong + sum!.stale > 0 ? 1 : 0;
