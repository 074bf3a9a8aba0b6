/**
 * `bun run bench:https`: our discovery server for Syncthing beside the original one, stdiscosrv, under the same loads. Prints a table,
 * then whether its target was reached.
 */
import { nameOf, optionsOf, seconds, someOf, toggle, wholeNumber } from "../options.ts";
import { machine, place } from "../server/machine.ts";
import { compare } from "./compare.ts";
import { memoryTable, table, targetLine, targets } from "./report.ts";
import { endAll, SUBJECTS } from "./subjects.ts";

const program = {
  command: "bun run bench:https",
  about: `Our discovery server for Syncthing beside the original one, stdiscosrv, under the same loads in turns: look-ups over
connections that stay open, with TLS and as a proxy sends them, and announcements with a TLS handshake each. Prints
requests per second, microseconds of the server's processor per request, the processor that the load took (near 100 %
it was the limit, not the server), and ours divided by the original's. Linux only; stdiscosrv is in Debian's package
syncthing-discosrv.`,
  flags: {
    subjects: someOf({
      names: SUBJECTS,
      value: "<list>",
      default: undefined,
      help: "whereabouts, stdiscosrv (default: both, if stdiscosrv is installed)",
    }),
    devices: wholeNumber({
      min: 1,
      max: 4_000_000,
      default: undefined,
      help: "devices that each server knows (default: 100000; quick: 2000)",
    }),
    connections: wholeNumber({ min: 1, max: 10_000, default: 100, help: "connections that look devices up" }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: undefined, help: "rounds; figures are medians (default: 5)" }),
    seconds: seconds({ default: undefined, help: "length of each measurement (default: 3)" }),
    quick: toggle("one round of 0.3 s with 2000 devices: rough figures"),
    json: toggle("print one line of JSON"),
  },
} as const;

const NORMAL = { devices: 100_000, rounds: 5, seconds: 3 };
const QUICK = { devices: 2_000, rounds: 1, seconds: 0.3 };

function fail(message: string): never {
  console.error(`${nameOf(program)}: ${message}`);
  process.exit(1);
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const given = optionsOf(program);
const { connections, quick, json } = given;
if (process.platform !== "linux") fail(`needs Linux, for /proc; this is ${process.platform}`);
const installed = SUBJECTS.filter((name) => name !== "stdiscosrv" || Bun.which(name) !== null);
const subjects = given.subjects ?? installed;
if (subjects.some((name) => !installed.includes(name))) fail("stdiscosrv is not installed");
if (given.subjects === undefined && installed.length < SUBJECTS.length) {
  console.error(`${nameOf(program)}: stdiscosrv is not installed, so there is nothing to compare with`);
}

const preset = quick ? QUICK : NORMAL;
const options = {
  subjects,
  devices: given.devices ?? preset.devices,
  connections,
  rounds: given.rounds ?? preset.rounds,
  seconds: given.seconds ?? preset.seconds,
  placement: place(1),
};
const host = machine();
try {
  const { rows, memory } = await compare(options, (line) => console.error(`  ${line}`));
  const reached = targets(rows);
  if (json) {
    console.log(JSON.stringify({ host, ...options, rows, memory, targets: reached }));
  } else {
    const { kernel, processors, processor, bun, loadAverage } = host;
    const { devices, rounds, seconds, placement } = options;
    console.log(`
${kernel}, ${processors} processors (${processor}), Bun ${bun}; load average before: ${loadAverage}
${placement.text}; ${devices} devices, ${connections} connections; medians of ${rounds} x ${seconds} s

${table(rows)}

${memoryTable(memory)}

${reached.map(targetLine).join("\n")}`);
  }
} catch (error) {
  fail((error as Error).message);
}
process.exit(0);
