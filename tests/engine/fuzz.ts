/** `bun run fuzz --packets N --seed S`: compares the twins over any number of random packets. */
import { parseArgs } from "node:util";
import { fuzz } from "./twins.ts";

const { values } = parseArgs({ options: { packets: { type: "string" }, seed: { type: "string" } } });
const packets = Number(values.packets ?? 10_000_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isInteger(packets) || packets < 1 || !Number.isInteger(seed)) {
  console.error("usage: bun run fuzz [--packets N] [--seed S], both whole numbers");
  process.exit(2);
}
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
