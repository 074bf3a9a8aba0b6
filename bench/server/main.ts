/**
 * `bun run bench:server`: processor time of the running server under load, measured in turns with the floor: an echo in
 * TypeScript on the same system calls. Prints a table, then which targets were reached. With `--report` it writes plots.
 */
import { loadLibc } from "../../src/transport/libc.ts";
import { makeReport } from "../report/make.ts";
import { availableMemory } from "./machine.ts";
import { measure, type SampledRun } from "./measure.ts";
import { type BenchOptions, benchOptions } from "./options.ts";
import { count, table, targetLine, targets } from "./rows.ts";
import { endAll } from "./subject.ts";
import { sweepTable } from "./sweep.ts";

/** Memory per node at the default maximum NodeID length. */
const NODE_BYTES = 128;
/** Memory of all processes without their registries. */
const PROCESSES_BYTES = 500e6;

/** Why the bench cannot run on this machine; undefined if it can. */
function obstacle({ nodes }: BenchOptions): string | undefined {
  try {
    loadLibc();
  } catch {
    return `needs Linux on x64 or arm64, for recvmmsg and /proc; this is ${process.platform} on ${process.arch}`;
  }
  const needed = nodes.reduce((sum, size) => sum + size * NODE_BYTES, PROCESSES_BYTES);
  const available = availableMemory();
  if (needed <= available) return undefined;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return `servers of ${nodes.map(count).join(", ")} nodes need ${gb(needed)} of memory, and ${gb(available)} are free: use fewer --nodes`;
}

function fail(message: string): never {
  console.error(`bench:server: ${message}`);
  process.exit(1);
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const options = benchOptions();
const { report, json } = options;
if (report?.from !== undefined) {
  await makeReport(report, "server", undefined);
} else {
  const reason = obstacle(options);
  if (reason !== undefined) fail(reason);
  const run = await measure(options, (line) => console.error(line)).catch((error: Error) => fail(error.message));
  console.log(json ? JSON.stringify({ ...run, targets: targets(run.rows) }) : textOf(run));
  if (report !== undefined) await makeReport(report, "server", run);
}

function textOf({ host, places, engine, limits, rounds, seconds, rows, sweep }: SampledRun): string {
  const { kernel, processors, processor, bun, loadAverage } = host;
  return [
    "",
    `${kernel}, ${processors} processors (${processor}), Bun ${bun}; load average before: ${loadAverage}`,
    ...places,
    `${engine} engine, limits ${limits ? "run but stop nothing" : "off"}; medians of ${rounds} x ${seconds} s`,
    "",
    table(rows),
    "",
    "us: microseconds of processor (user and system) per reply for hit, per packet received for the other loads. One packet in",
    "32 of each load is a query for a known node. x floor: us divided by that of the mmsg echo in the same round.",
    "",
    ...(sweep.length > 0 ? [sweepTable(sweep), ""] : []),
    ...targets(rows).map(targetLine),
  ].join("\n");
}
