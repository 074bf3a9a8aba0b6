/**
 * `bun run bench:server`: processor time of the running server under load, measured in turns with the floor: an echo in
 * TypeScript on the same system calls. Prints a table, then which targets were reached.
 */
import { loadLibc } from "../../src/transport/libc.ts";
import { BenchGroup } from "./group.ts";
import { availableMemory, machine } from "./machine.ts";
import { type BenchOptions, benchOptions } from "./options.ts";
import { count, type Row, table, targetLine, targets } from "./rows.ts";
import { endAll } from "./subject.ts";

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
const reason = obstacle(options);
if (reason !== undefined) fail(reason);
const { transports, workers, rounds, seconds, engine, limits, json } = options;
const host = machine();
const rows: Row[] = [];
const places: string[] = [];
try {
  for (const transport of transports) {
    for (const threads of workers) {
      const group = new BenchGroup(options, transport, threads);
      console.error(group.title);
      places.push(group.title);
      rows.push(...(await group.run((line) => console.error(`  ${line}`))));
    }
  }
} catch (error) {
  fail((error as Error).message);
}

const reached = targets(rows);
if (json) {
  console.log(JSON.stringify({ host, places, engine, limits, rounds, seconds, rows, targets: reached }));
} else {
  const { kernel, processors, processor, bun, loadAverage } = host;
  console.log(
    [
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
      ...reached.map(targetLine),
    ].join("\n"),
  );
}
