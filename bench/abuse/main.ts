/**
 * `bun run bench:abuse`: what honest clients get from a server that is under attack. Server, clients and attacker are in network
 * namespaces of their own.
 */

import { defaultServerOptions } from "../../src/server/options.ts";
import { hasNetns, NEEDS_NETNS } from "../../tests/support/netns.ts";
import { SOCKET_TRANSPORTS } from "../../tests/support/transports.ts";
import { nameOf, oneOf, optionsOf, seconds, someOf, toggle, wholeNumber, wholeNumbers } from "../options.ts";
import { machine, machineLine, place } from "../server/machine.ts";
import { endAll } from "../server/subject.ts";
import { type Attack, attacks, GROUPS } from "./attacks.ts";
import { createNetwork } from "./network.ts";
import { LEGEND, markdownTables, overloaded, type Row, targetLine, targets, textTables } from "./report.ts";
import { AttackedServer, type Setting } from "./run.ts";

const RATES = [1_000, 10_000, 100_000, 0] as const;
const CAPACITY = defaultServerOptions().capacity;

const program = {
  command: "bun run bench:abuse",
  about: `What honest clients get from a server that is under attack: the share of their packets and lookups that is answered,
and how long that takes; and what the attacker gets. The limits are the defaults. Server, clients and attacker are in
network namespaces of their own, so it needs Linux, root and the command ip; else it does nothing, with exit code 0.
Exit code 1 if a target is missed.`,
  flags: {
    only: someOf({
      names: GROUPS,
      value: "<attacks>",
      default: GROUPS,
      help: `attacks, separated by commas (default: all)
control: no attack, and garbage
node: queries for the node that the honest clients look up
fill: announcements of new NodeIDs, while the registry is full
neighbors: hosts at their full rate in the network of the honest ones
nat: queries above the limit of a source that announces new nodes too
redirect: announcements of the nodes of others
load: queries for all nodes from random addresses`,
    }),
    seconds: seconds({ default: undefined, help: "length of each row (default: 4; quick: 1)" }),
    rates: wholeNumbers({
      min: 0,
      max: 10_000_000,
      default: undefined,
      help: `packets per second of forged attacks; 0: as many as possible (default: ${RATES.join()}; quick: 1000)`,
    }),
    transport: oneOf({ names: SOCKET_TRANSPORTS, value: "<name>", default: "mmsg", help: "transport of the server" }),
    capacity: wholeNumber({
      min: 1_000,
      max: 100_000_000,
      default: undefined,
      help: `the most nodes that the server stores (default: ${CAPACITY}, the server's; quick: 20000)`,
    }),
    quick: toggle("a smoke test: targets do not count"),
    markdown: toggle("print the table as Markdown"),
    json: toggle("print one line of JSON"),
  },
} as const;

const options = optionsOf(program);
const { only, transport, quick, markdown, json } = options;
if (!hasNetns) {
  if (json) console.log(JSON.stringify({ skipped: NEEDS_NETNS }));
  else console.log(`${nameOf(program)}: skipped: it ${NEEDS_NETNS}`);
  process.exit(0);
}
const rates = [...(options.rates ?? (quick ? [1_000] : RATES))].sort((a, b) => (a || Infinity) - (b || Infinity));
const rows: Row[] = [];

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** A server per attack. Only those on a full registry share one, because filling it takes long. */
async function run(setting: Setting): Promise<void> {
  for (const group of only) {
    const own = attacks(rates).filter((attack) => attack.group === group);
    if (group === "fill") await measure(setting, own);
    else for (const attack of own) await measure(setting, [attack]);
  }
  progress("");
}

async function measure(setting: Setting, chosen: readonly Attack[]): Promise<void> {
  await using server = await AttackedServer.start(setting);
  await server.register(chosen[0]!);
  if (chosen[0]!.group === "fill") await server.fill();
  for (const attack of chosen) {
    progress(`${attack.group}: ${attack.name}`);
    rows.push({ attack, ...(await server.measure(attack)) });
  }
}

const placement = place(1);
const host = machine();
process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
{
  await using network = await createNetwork();
  await run({
    network,
    placement,
    transport,
    capacity: options.capacity ?? (quick ? 20_000 : CAPACITY),
    seconds: options.seconds ?? (quick ? 1 : 4),
    quick,
  });
}

const reached = targets(rows);
if (json) {
  const plain = rows.map(({ attack: { group, name }, ...figures }) => ({
    group,
    name,
    ...figures,
    overloaded: overloaded(figures),
  }));
  console.log(JSON.stringify({ host, place: placement.text, transport, quick, rows: plain, targets: reached }));
} else {
  console.log(`${machineLine(host)}
${placement.text}; transport ${transport}, one worker, default limits

${markdown ? markdownTables(rows) : textTables(rows)}

${LEGEND}

${quick ? "A smoke test: targets do not count." : reached.map(targetLine).join("\n")}`);
}
process.exit(quick || reached.every(({ reached }) => reached) ? 0 : 1);
