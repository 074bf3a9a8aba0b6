/**
 * Kills a server with SIGKILL in the midst of announcements, again and again on the same journal, and asks it after each start for
 * what it must know: `bun tests/journal/kill-soak.ts [--kills 100] [--rate 20000] [--seed N]`. Prints a line for each kill and one of JSON at the
 * end; exits with 1 if anything was lost, wrong or answered past its retention.
 */
import { parseArgs } from "node:util";
import { Killed, type SoakResult } from "./kill-harness.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    rate: { type: "string", default: "20000" },
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
  },
});
const [kills, rate, seed] = [values.kills, values.rate, values.seed].map(Number) as [number, number, number];
if (![kills, rate, seed].every((n) => Number.isInteger(n) && n > 0)) {
  console.error("usage: bun tests/journal/kill-soak.ts [--kills N] [--rate N] [--seed N]");
  process.exit(2);
}
await using soak = await Killed.create(rate, seed);
let sum: SoakResult | undefined;
for (let kill = 1; kill <= kills; kill++) {
  const result = await soak.kill();
  const { handled, asked, missing, wrong, stale, over, restored, restoreMs } = result;
  console.error(
    `kill ${kill}: ${handled} announcements a second; ${restored} nodes restored, it listens ${restoreMs} ms after its start; ${asked} asked for: ${missing} missing, ${wrong} wrong; ${stale} of ${over} answered that are past their retention`,
  );
  sum = Killed.add(sum, result);
}
console.log(JSON.stringify({ kills, rate, seed, ...sum }));
process.exitCode = sum!.missing + sum!.wrong + sum!.stale > 0 ? 1 : 0;
