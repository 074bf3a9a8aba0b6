/** `bun tests/server/contention-soak.ts --seconds N [--transport udp|mmsg]`: two workers of either kind, and the same few nodes, for as long as one likes. */
import { parseArgs } from "node:util";
import { TRANSPORTS } from "../../src/server/index.ts";
import { collideAt } from "./contention.ts";

const { values } = parseArgs({ options: { seconds: { type: "string" }, transport: { type: "string" } } });
const seconds = Number(values.seconds ?? 60);
const transports = TRANSPORTS.filter((name) => (values.transport ?? name) === name);
if (!(seconds > 0) || transports.length === 0) {
  console.error("usage: bun tests/server/contention-soak.ts [--seconds N] [--transport udp|mmsg]");
  process.exit(2);
}
let wrong = false;
for (const transport of transports) {
  const { sent, answered, mixed, stats } = await collideAt(transport, seconds);
  const sum = Object.values(stats.verdicts).reduce((a, b) => a + b);
  wrong ||= mixed > 0 || answered === 0 || sum !== stats.received || stats.replaced > 0;
  console.log(JSON.stringify({ transport, sent, answered, mixed, ...stats }));
}
process.exit(wrong ? 1 : 0);
