/**
 * `bun run bench:https`: our discovery server for Syncthing beside the original one, stdiscosrv, under the same loads; with `--abuse`,
 * what honest clients get while a server is attacked. Prints tables, then which targets were reached.
 */
import { nameOf, optionsOf, seconds, someOf, toggle, wholeNumber } from "../options.ts";
import { machine, machineLine, place } from "../server/machine.ts";
import { ATTACKS, attacks } from "./abuse/attacks.ts";
import { ABUSE_LEGEND, abuseTable, abuseTargetLine, abuseTargets } from "./abuse/report.ts";
import { type AbuseRow, underAttack } from "./abuse/run.ts";
import { compare } from "./compare.ts";
import { LEGEND, memoryTable, table, targetLine, targets } from "./report.ts";
import { endAll, SUBJECTS, type SubjectName } from "./subjects.ts";

const program = {
  command: "bun run bench:https",
  about: `Our discovery server for Syncthing beside the original one, stdiscosrv, under the same loads in turns: look-ups over
connections that stay open, with TLS and as a proxy sends them, and announcements with a TLS handshake each. Prints
requests per second, microseconds of the server's processor per request, the processor that the load took (near 100 %
it was the limit, not the server), and ours divided by the original's.

With --abuse: what honest clients of our server get while it is attacked, over UDP and HTTPS, and the server's memory.
Each attack meets a new server with its default limits.

Linux only; stdiscosrv is in Debian's package syncthing-discosrv.`,
  flags: {
    subjects: someOf({
      names: SUBJECTS,
      value: "<list>",
      default: undefined,
      help: `whereabouts, stdiscosrv (default: both, if stdiscosrv is installed;
with --abuse: whereabouts)`,
    }),
    devices: wholeNumber({
      min: 1,
      max: 4_000_000,
      default: undefined,
      help: "devices that each server knows (default: 100000; quick: 2000)",
    }),
    connections: wholeNumber({
      min: 1,
      max: 50_000,
      default: undefined,
      help: `connections that look devices up (default: 100), or that an attack
holds (default: 10000; quick: 200)`,
    }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: undefined, help: "rounds; figures are medians (default: 5)" }),
    seconds: seconds({ default: undefined, help: "length of each measurement (default: 3; with --abuse: 5)" }),
    abuse: toggle("attack the server"),
    attacks: someOf({
      names: ATTACKS,
      value: "<list>",
      default: ATTACKS,
      help: `attacks, with --abuse (default: all)
none: for comparison
idle: connections that send nothing
half-open: connections that send half a ClientHello
slow: connections that send a byte of a request per second
handshakes, look-ups, announcements: as many as possible
headers: a header of 1 MB
large-json, chunked-json: 10 MB, with and without its length
deep-json: arrays in arrays, 10,000 of them
addresses: 1,000 of them
long-address: one of 1 MB
pipelined: requests without waiting for answers
rapid-reset: streams of h2 that are reset at once`,
    }),
    quick: toggle("one round of 0.3 s with 2000 devices, attacks of 1 s: rough figures"),
    json: toggle("print one line of JSON"),
  },
} as const;

const COMPARISON = { devices: 100_000, connections: 100, rounds: 5, seconds: 3 };
const QUICK_COMPARISON = { devices: 2_000, connections: 100, rounds: 1, seconds: 0.3 };
const ABUSE = { connections: 10_000, seconds: 5, leadSeconds: 15, restSeconds: 3 };
const QUICK_ABUSE = { connections: 200, seconds: 1, leadSeconds: 1, restSeconds: 0.1 };

function fail(message: string): never {
  console.error(`${nameOf(program)}: ${message}`);
  process.exit(1);
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const given = optionsOf(program);
if (process.platform !== "linux") fail(`needs Linux, for /proc; this is ${process.platform}`);
const installed = SUBJECTS.filter((name) => name !== "stdiscosrv" || Bun.which(name) !== null);
if (given.subjects?.some((name) => !installed.includes(name))) fail("stdiscosrv is not installed");
const host = machine();
const placement = place(1);
const report = (line: string) => console.error(`  ${line}`);

function machineLines(): string {
  return `
${machineLine(host)}
${placement.text}`;
}

async function comparison(subjects: readonly SubjectName[]): Promise<void> {
  const preset = given.quick ? QUICK_COMPARISON : COMPARISON;
  const options = {
    subjects,
    devices: given.devices ?? preset.devices,
    connections: given.connections ?? preset.connections,
    rounds: given.rounds ?? preset.rounds,
    seconds: given.seconds ?? preset.seconds,
    placement,
  };
  const { rows, memory } = await compare(options, report);
  const reached = targets(rows);
  if (given.json) {
    console.log(JSON.stringify({ host, ...options, rows, memory, targets: reached }));
    return;
  }
  const { devices, connections, rounds, seconds } = options;
  console.log(`${machineLines()}; ${devices} devices, ${connections} connections; medians of ${rounds} x ${seconds} s

${table(rows)}

${memoryTable(memory)}

${LEGEND}

${reached.map(targetLine).join("\n")}`);
}

async function abuse(subjects: readonly SubjectName[]): Promise<void> {
  const preset = given.quick ? QUICK_ABUSE : ABUSE;
  const connections = given.connections ?? preset.connections;
  const seconds = given.seconds ?? preset.seconds;
  const chosen = attacks(connections).filter(({ what }) => given.attacks.includes(what));
  const rows: AbuseRow[] = [];
  for (const subject of subjects) {
    for (const attack of chosen) {
      report(`${subject}: ${attack.name}`);
      rows.push(await underAttack(attack, { ...preset, subject, placement, seconds }));
    }
  }
  const reached = abuseTargets(rows.filter(({ subject }) => subject === "whereabouts"));
  if (given.json) {
    console.log(JSON.stringify({ host, connections, seconds, rows, targets: reached }));
    return;
  }
  const tables = subjects.map((subject) => `${subject}\n${abuseTable(rows.filter((row) => row.subject === subject))}`);
  console.log(`${machineLines()}; ${seconds} s for each attack

${tables.join("\n\n")}

${ABUSE_LEGEND}

${reached.map(abuseTargetLine).join("\n")}`);
}

try {
  if (given.abuse) {
    await abuse(given.subjects ?? ["whereabouts"]);
  } else {
    if (given.subjects === undefined && installed.length < SUBJECTS.length) {
      console.error(`${nameOf(program)}: stdiscosrv is not installed, so there is nothing to compare with`);
    }
    await comparison(given.subjects ?? installed);
  }
} catch (error) {
  fail((error as Error).message);
}
process.exit(0);
