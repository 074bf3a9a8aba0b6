/**
 * `bun run bench:server`: the running server under load, by turns with the floor of this kernel, an echo in TypeScript on the
 * same system calls. A table of processor time and of what else matters; last, which figures are as they were hoped to be.
 */
import { loadLibc } from "../../src/transport/libc.ts";
import { BenchGroup } from "./group.ts";
import { availableMemory, machine } from "./machine.ts";
import { type BenchOptions, parse, Usage } from "./options.ts";
import { count, type Row, table, targetLine, targets } from "./rows.ts";
import { endAll } from "./subject.ts";

/** What a node takes at the usual length of NodeIDs, and the processes around the registries. */
const NODE_BYTES = 128;
const PROCESSES_BYTES = 500e6;

function options(): BenchOptions {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    (error.exitCode === 0 ? console.log : console.error)(error.message);
    process.exit(error.exitCode);
  }
}

/** Why this machine will not do, if so. */
function unfit({ nodes }: BenchOptions): string | undefined {
  try {
    loadLibc();
  } catch {
    return `this is ${process.platform} on ${process.arch}; it needs Linux on x64 or arm64, for recvmmsg and for /proc`;
  }
  const needed = nodes.reduce((sum, size) => sum + size * NODE_BYTES, PROCESSES_BYTES);
  const available = availableMemory();
  if (needed <= available) return undefined;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return `servers of ${nodes.map(count).join(", ")} nodes take ${gb(needed)}, and ${gb(available)} are free: ask for fewer --nodes`;
}

function fail(message: string): never {
  console.error(`bench:server: ${message}`);
  process.exit(1);
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const wanted = options();
const why = unfit(wanted);
if (why !== undefined) fail(why);
const { transports, workers, rounds, seconds, engine, limits, json } = wanted;
const host = machine();
const rows: Row[] = [];
const places: string[] = [];
try {
  for (const transport of transports) {
    for (const threads of workers) {
      const group = new BenchGroup(wanted, transport, threads);
      console.error(group.title);
      places.push(group.title);
      rows.push(...(await group.run((line) => console.error(`  ${line}`))));
    }
  }
} catch (error) {
  fail((error as Error).message);
}

const judged = targets(rows);
if (json) {
  console.log(JSON.stringify({ host, places, engine, limits, rounds, seconds, rows, targets: judged }));
} else {
  const { kernel, processors, processor, bun, loadAverage } = host;
  console.log(
    [
      "",
      `${kernel}, ${processors} processors (${processor}), Bun ${bun}; load average before: ${loadAverage}`,
      ...places,
      `${engine} engine, limits ${limits ? "run and do not bite" : "off"}; medians of ${rounds} x ${seconds} s`,
      "",
      table(rows),
      "",
      "us: microseconds of processor, user and system, for a reply (hit), else for a packet taken; one packet in 32 of each",
      "load asks for a known node. x floor: as a multiple of the mmsg echo's, which was measured next to it.",
      "",
      ...judged.map(targetLine),
    ].join("\n"),
  );
}
