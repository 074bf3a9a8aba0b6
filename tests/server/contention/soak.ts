/**
 * `bun run soak:contention`: lets a wasm and a TypeScript worker collide on the same few nodes, and checks every reply.
 */
import { optionsOf, seconds as secondsFlag, someOf } from "../../../bench/options.ts";
import { SOCKET_TRANSPORTS } from "../../support/transports.ts";
import { collideAt } from "./contention.ts";

const { seconds, transport: transports } = optionsOf({
  command: "bun run soak:contention",
  about: `Two workers, one with the wasm engine and one with the TypeScript engine, handle packets for the same few nodes. Prints one
line of JSON per transport. Exit code 1 if a reply mixes two announcements, a packet is not counted, or a worker is replaced.`,
  flags: {
    seconds: secondsFlag({ default: 60, help: "length of the run, per transport" }),
    transport: someOf({
      names: SOCKET_TRANSPORTS,
      value: "<name>",
      default: SOCKET_TRANSPORTS,
      help: "udp, mmsg (default: both)",
    }),
  },
});
let wrong = false;
for (const transport of transports) {
  const { sent, answered, mixed, stats } = await collideAt(transport, seconds);
  const sum = Object.values(stats.verdicts).reduce((a, b) => a + b);
  wrong ||= mixed > 0 || answered === 0 || sum !== stats.received || stats.replaced > 0;
  console.log(JSON.stringify({ transport, sent, answered, mixed, ...stats }));
}
process.exit(wrong ? 1 : 0);
