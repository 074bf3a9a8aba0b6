/** Measures all that the flags of `bench:server` ask for. */
import { originOf, type ServerRun } from "../report/runs.ts";
import { BenchGroup } from "./group.ts";
import { type BenchOptions, PROGRAM } from "./options.ts";
import type { Row } from "./rows.ts";
import { sweep } from "./sweep.ts";
import { measureXdp } from "./xdp.ts";

/** A run whose rows still have their samples. */
export type SampledRun = ServerRun & { readonly rows: readonly Row[] };

/** @param report - called with lines of progress */
export async function measure(options: BenchOptions, report: (line: string) => void): Promise<SampledRun> {
  const { transports, workers, engine, limits, rounds, seconds, paces } = options;
  const origin = originOf(PROGRAM.command);
  const rows: Row[] = [];
  const places: string[] = [];
  for (const transport of transports) {
    for (const threads of workers) {
      const nodes = threads === workers[0] ? options.nodes : options.nodesOfMore;
      const group = new BenchGroup({ ...options, nodes }, transport, threads);
      report(group.title);
      places.push(group.title);
      rows.push(...(await group.run((line) => report(`  ${line}`))));
    }
  }
  const steps = paces.length > 0 ? await sweep(options, paces, report) : [];
  const xdp = options.report && (await measureXdp(options.nodes[0]!, rounds, seconds, report));
  return { ...origin, places, engine, limits, rounds, seconds, rows, sweep: steps, xdp };
}
