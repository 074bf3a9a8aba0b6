/**
 * `bun run bench:forgery`: what a client finds while an attacker on its LAN forges the server's replies. Client, server and attacker are
 * in network namespaces of their own, on one bridge.
 *
 * The attacker cannot read the client's packets, but knows everything else: the addresses of both, the range of the client's ports, and
 * which NodeIDs the client looks up, even a moment before it does. It sends a forged reply to each port of the range, over and over.
 */
import { hasNetns, NEEDS_NETNS } from "../../tests/support/netns.ts";
import { nameOf, optionsOf, seconds, toggle, wholeNumber } from "../options.ts";
import { machine, machineLine } from "../server/machine.ts";
import { endAll } from "../server/subject.ts";
import { LEGEND, missed, textTable } from "./report.ts";
import { run } from "./run.ts";

const program = {
  command: "bun run bench:forgery",
  about: `What a client finds while an attacker on its LAN sprays all of its ports with forged replies of the
server, as many as possible. The client looks up nodes that the server knows and nodes that it does not
know: half of them with a discoverer that is started for the lookup, half with one discoverer for all. The
attacker knows the NodeIDs. Client, server and attacker are in network namespaces of their own, so it needs
Linux, root and the command ip; else it does nothing, with exit code 0.
Exit code 1 if a lookup with the default options is poisoned.`,
  flags: {
    seconds: seconds({ default: undefined, help: "length of each row (default: 30; quick: 2)" }),
    lookups: wholeNumber({
      min: 2,
      max: 10_000,
      default: undefined,
      help: "lookups of known nodes, and as many of unknown ones (default: 100; quick: 4)",
    }),
    ports: wholeNumber({
      min: 100,
      max: 28_232,
      default: undefined,
      help: `how many ports the client's system chooses from (default: 28232, Linux's; quick: 200).
With a tenth of them, an attack is like one with ten times as many packets`,
    }),
    quick: toggle("a smoke test: targets do not count"),
    json: toggle("print one line of JSON"),
  },
} as const;

const options = optionsOf(program);
const { quick, json } = options;
if (!hasNetns) {
  if (json) console.log(JSON.stringify({ skipped: NEEDS_NETNS }));
  else console.log(`${nameOf(program)}: skipped: it ${NEEDS_NETNS}`);
  process.exit(0);
}

const setting = {
  seconds: options.seconds ?? (quick ? 2 : 30),
  lookups: options.lookups ?? (quick ? 4 : 100),
  ports: options.ports ?? (quick ? 200 : 28_232),
  timeout: quick ? 1_000 : 5_000,
};

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
const about = machine();
const rows = await run(setting, (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
});

const misses = missed(rows);
if (json) console.log(JSON.stringify({ host: about, quick, ...setting, rows, missed: misses }));
else {
  console.log(`${machineLine(about)}
${setting.lookups} lookups of known nodes and ${setting.lookups} of unknown ones in ${setting.seconds} s; ${setting.ports} ports

${textTable(rows)}

${LEGEND}

${quick ? "A smoke test: targets do not count." : misses.join("\n") || "The target is reached: no lookup is poisoned."}`);
}
process.exit(quick || misses.length === 0 ? 0 : 1);
