/** All plots that runs have figures for. */
import { draw, type Picture, type Plot } from "./picture.ts";
import { offeredPlot } from "./plots/offered.ts";
import { codecPlot, enginePlot } from "./plots/packet.ts";
import { sizesPlot } from "./plots/sizes.ts";
import { transportsPlot } from "./plots/transports.ts";
import { workersPlot } from "./plots/workers.ts";
import type { PacketRun, ServerRun } from "./runs.ts";

/** The latest run of each program; undefined if there is none. */
export interface Runs {
  readonly bench: PacketRun | undefined;
  readonly server: ServerRun | undefined;
}

/** Undefined: the run has no figures for this plot. */
type Drawn<Run> = (run: Run) => Plot | undefined;

const OF_BENCH: readonly Drawn<PacketRun>[] = [codecPlot, enginePlot];
const OF_SERVER: readonly Drawn<ServerRun>[] = [transportsPlot, workersPlot, sizesPlot, offeredPlot];

export async function pictures({ bench, server }: Runs): Promise<Picture[]> {
  const plots = [
    ...(bench ? OF_BENCH.map((plot) => plot(bench)) : []),
    ...(server ? OF_SERVER.map((plot) => plot(server)) : []),
  ];
  return Promise.all(plots.filter((plot) => plot !== undefined).map(draw));
}
