/**
 * `bun run bench:xdp`: processor time of a server with the transport xdp, measured in turns with one with mmsg and with the
 * floor, an echo on the system calls of mmsg. Prints a table, then which targets were reached.
 */
import { hasNetns, NEEDS_NETNS } from "../../tests/support/netns.ts";
import { xdpObstacle } from "../../tests/support/xdp.ts";
import { nameOf } from "../options.ts";
import { machine, machineLine } from "../server/machine.ts";
import { endAll } from "../server/subject.ts";
import { PROGRAM, type XdpBenchOptions, xdpBenchOptions } from "./options.ts";
import { placement } from "./placement.ts";
import { table, targetLine, targets } from "./rows.ts";
import { XdpBench } from "./run.ts";
import { softirqObstacle } from "./softirq.ts";

/** Why the bench cannot run on this machine; undefined if it can. */
function obstacle({ transports }: XdpBenchOptions): string | undefined {
  if (!hasNetns) return NEEDS_NETNS;
  if (Bun.which("taskset") === null) return "needs the command taskset";
  if (placement() === undefined) return "needs two processors";
  if (!transports.includes("xdp")) return undefined;
  const missing = xdpObstacle();
  return missing && `needs AF_XDP sockets and BPF: ${missing}`;
}

function skip(reason: string): never {
  console.log(json ? JSON.stringify({ skipped: reason }) : `${nameOf(PROGRAM)}: skipped: it ${reason}`);
  process.exit(0);
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const options = xdpBenchOptions();
const { rounds, seconds, json } = options;
const reason = obstacle(options);
if (reason !== undefined) skip(reason);
const where = placement()!;
const noSoftirq = softirqObstacle();
const host = machine();
const place = `server on processor ${where.server}, load on ${where.load}`;
try {
  await using bench = await XdpBench.create(options, where, noSoftirq === undefined);
  const rows = await bench.run((line) => console.error(line));
  const reached = targets(rows);
  if (json) {
    console.log(JSON.stringify({ host, place, noSoftirq, rounds, seconds, rows, targets: reached }));
  } else {
    console.log(`
${machineLine(host)}
${place}; veth pairs between two network namespaces; limits run but stop nothing; medians of ${rounds} x ${seconds} s

${table(rows)}

${legend()}

${reached.map(targetLine).join("\n")}`);
  }
} catch (error) {
  console.error(`${nameOf(PROGRAM)}: ${(error as Error).message}`);
  process.exit(1);
}
process.exit(0);

function legend(): string {
  return `us: microseconds of processor that the server's process is charged (user and system), per reply for hit, per packet received
for the other loads. The last packet of a batch is a query for a known node: 1 in 32 with window 512 or a pace, 1 in 4 with
window 64. x floor: divided by that of the echo in the same round, under a load of queries of the same window or pace.
${
  noSoftirq === undefined
    ? `with softirq: on a veth pair the sender's processor does the receiver's work: the server's process receives the replies at the
load's end (softirq NET_RX), and the load's process the queries at the server's end. So this is us without the former and
with the latter. Two programs at the tracepoints softirq_entry and softirq_exit measure both, while the load is repeated.`
    : `with softirq: could not be measured: ${noSoftirq}.`
}
ms: from query to reply, median and 99 %. nap: the server's option --coalesce, in microseconds; without it, as the server
does by itself.`;
}
