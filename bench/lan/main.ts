/**
 * `bun run bench:lan`: how fast the nodes of a LAN find each other, and what they cost.
 *
 * The LANs are bridges between network namespaces. On them, programs in Bun and Node start discoverers through the public
 * interface of src/client/ when the bench tells them to, so the start of a process does not count. They note the times
 * themselves; the bench compares them afterwards.
 */
import { hasNetns, NEEDS_NETNS } from "../../tests/support/netns.ts";
import { nameOf, optionsOf, seconds, someOf, toggle, wholeNumber } from "../options.ts";
import { machine, machineLine } from "../server/machine.ts";
import { AgentProgram, RUNTIMES } from "./agents.ts";
import { measureCrowd } from "./crowd.ts";
import { FLEET_TEXT, Fleet } from "./fleet.ts";
import { measureLookups } from "./lookups.ts";
import { type Figure, missed, textTables } from "./report.ts";
import { measureRestarts } from "./restarts.ts";
import { measureStartUp } from "./start-up.ts";

const PARTS = ["start-up", "restarts", "lookup", "crowd"] as const;

const program = {
  command: "bun run bench:lan",
  about: `How fast the nodes of a LAN find each other, and what they cost. All of them are in network namespaces, so it needs
Linux, root and the command ip; else it does nothing, with exit code 0. Half of the programs run in Node if there is
one, the others in Bun.
  start-up  ${FLEET_TEXT} start in random order within 0.1 s: how long after its start
            each of them knows a first other one, and all others. Of two nodes the later start counts
  restarts  one of these programs after another closes its node and starts a new one, in turn with the same NodeID
            and with a random one: how many nodes do not know each other 3 s later
  lookup    a program that announces nothing looks up a node right after its start
  crowd     many nodes on one LAN, with one interface each: processor time of a node, and packets on the LAN.
            Some are real. The others are simulated: a program sends what real nodes of the same number would
            send every 30 s, each with its own address. It does not answer new nodes, so packets of the burst and of
            the new node are those of the real nodes, multiplied
Exit code 1 if a target is missed.`,
  flags: {
    only: someOf({
      names: PARTS,
      value: "<parts>",
      default: PARTS,
      help: `one or several of ${PARTS.join(", ")} (default: all)`,
    }),
    rounds: wholeNumber({
      min: 1,
      max: 100_000,
      default: undefined,
      help: "rounds of start-up (default: 100; quick: 2)",
    }),
    restarts: wholeNumber({ min: 1, max: 100_000, default: undefined, help: "restarts (default: 1000; quick: 2)" }),
    lookups: wholeNumber({ min: 1, max: 100_000, default: undefined, help: "lookups (default: 100; quick: 2)" }),
    nodes: wholeNumber({
      min: 2,
      max: 10_000,
      default: undefined,
      help: "nodes of the crowd (default: 1000; quick: 20)",
    }),
    real: wholeNumber({
      min: 2,
      max: 10_000,
      default: undefined,
      help: "how many of them are real (default: 100; quick: 6)",
    }),
    seconds: seconds({
      default: undefined,
      help: "how long the crowd is measured, once its nodes know each other (default: 60; quick: 1). Nodes announce\nthemselves every 30 s",
    }),
    quick: toggle("a smoke test: targets do not count"),
    json: toggle("print one line of JSON; a time is null if it did not happen"),
  },
} as const;

const options = optionsOf(program);
const { only, quick, json } = options;
if (!hasNetns) {
  if (json) console.log(JSON.stringify({ skipped: NEEDS_NETNS }));
  else console.log(`${nameOf(program)}: skipped: it ${NEEDS_NETNS}`);
  process.exit(0);
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
const host = machine();
const figures: Figure[] = [];
{
  const agents = await AgentProgram.build();
  if (only.some((part) => part !== "crowd")) {
    await using fleet = await Fleet.start(agents);
    if (only.includes("start-up")) {
      figures.push(...(await measureStartUp(fleet, options.rounds ?? (quick ? 2 : 100), progress)));
    }
    if (only.includes("restarts")) {
      figures.push(...(await measureRestarts(fleet, options.restarts ?? (quick ? 2 : 1_000), progress)));
    }
    if (only.includes("lookup")) {
      figures.push(...(await measureLookups(fleet, options.lookups ?? (quick ? 2 : 100), progress)));
    }
  }
  if (only.includes("crowd")) {
    const nodes = options.nodes ?? (quick ? 20 : 1_000);
    const real = Math.min(nodes, options.real ?? (quick ? 6 : 100));
    const size = { nodes, real, seconds: options.seconds ?? (quick ? 1 : 60), quick };
    figures.push(...(await measureCrowd(agents, size, progress)));
  }
  progress("");
}

const misses = figures.flatMap(missed);
if (json) console.log(JSON.stringify({ host, runtimes: RUNTIMES, quick, figures, missed: misses }));
else {
  console.log(`${machineLine(host)}
${RUNTIMES.includes("node") ? "Half of the programs run in Node." : "There is no node on the PATH: all programs run in Bun."}

${textTables(figures)}

${quick ? "A smoke test: targets do not count." : misses.join("\n") || "All targets are reached."}`);
}
process.exit(quick || misses.length === 0 ? 0 : 1);
