/** The cost of a reply by transport, beside the floor. */
import { plural } from "../../server/rows.ts";
import type { Plot } from "../picture.ts";
import type { ServerRun } from "../runs.ts";
import { figure, nodesText } from "../words.ts";
import { type Bar, barsSpec, NAMES } from "./bars.ts";
import { COLOURS } from "./colours.ts";

export function transportsPlot(run: ServerRun): Plot | undefined {
  const { rows, xdp, seconds, rounds } = run;
  const [first] = rows.filter(({ who, what }) => who === "server" && what === "hit");
  if (first === undefined) return undefined;
  const { nodes, workers } = first;
  const hits = rows.filter(
    (row) => row.who === "server" && row.what === "hit" && row.nodes === nodes && row.workers === workers,
  );
  const bar = (panel: string, name: Bar["name"] & keyof typeof COLOURS, cost: Cost): Bar => ({
    ...{ panel, name, value: cost.cpu, low: cost.spread[0], high: cost.spread[1], mark: cost.cpu / cost.ratio },
    label: `${figure(cost.cpu)}, ${cost.ratio.toFixed(2)} × floor`,
    colour: COLOURS[name],
  });
  const bars = hits.map((row) =>
    bar("on the loopback interface", row.transport, { cpu: row.cpu, ratio: row.ratio, spread: row.spread.cpu }),
  );
  for (const cost of xdp?.costs ?? []) {
    if (cost.who !== "echo") bars.push(bar("over a virtual cable (veth)", cost.who, cost));
  }
  const named = bars.map((it, i) =>
    bars[i - 1]?.panel === it.panel ? it : { ...it, markLabel: `floor ${figure(it.mark!)}` },
  );
  return {
    name: "bench-transports",
    title: "Processor time per reply, by transport",
    about:
      "The floor (upright line) is an echo: what the kernel takes to receive a packet and to send one back. No server on its system calls can cost less.",
    spec: barsSpec(named, "µs of processor per reply"),
    left: NAMES,
    origin: run,
    notes: [
      `Queries for known nodes, ${nodesText(nodes)} nodes, ${plural(workers, "worker")}. Medians of ${rounds} rounds of ${seconds} s; thin lines: lowest to highest round.`,
      ...(xdp ? [veth(xdp.softirq)] : []),
    ],
  };
}

interface Cost {
  readonly cpu: number;
  readonly ratio: number;
  readonly spread: readonly [low: number, high: number];
}

function veth(softirq: boolean): string {
  return softirq
    ? "The virtual cable is measured by bun run bench:xdp, 512 queries in flight; the kernel's work counts for the side that it is done for."
    : "The virtual cable is measured by bun run bench:xdp, 512 queries in flight: the time of the server's process.";
}
