/** Registry, journal and kernel: one figure and one chart each. */
import type { StatsReply } from "../api.ts";
import { Chart, type ChartOptions } from "./chart.ts";
import { byId, setText } from "./dom.ts";
import { bytes, count, counted, percent, rate, seconds, visible } from "./format.ts";
import type { Column, Hour } from "./hour.ts";
import type { Rates } from "./rates.ts";
import { rangeOf } from "./traffic.ts";

/** A chart of one quantity. */
export function gauge(id: string, color: string, text: (n: number) => string, more: Partial<ChartOptions> = {}): Gauge {
  const chart = new Chart({
    figure: byId(id),
    series: [{ label: id, color, fill: "tint" }],
    ...more,
    readout: ([value]) => (value == null ? "the server did not run" : text(value)),
  });
  return {
    show: (times, column) => chart.show([times, column], rangeOf(column, text)),
    recolor: () => chart.recolor(),
  };
}

interface Gauge {
  show(times: readonly number[], column: Column): void;
  recolor(): void;
}

let capacity = Number.POSITIVE_INFINITY;
const registry = gauge("registry", "--announced", (n) => counted(n, "node"), { most: () => capacity });
const journal = gauge("journal", "--unknown", seconds, {
  axis: (n) => `${Number(n.toPrecision(2))} s`,
});
const kernel = gauge("kernel", "--full", (n) => `${rate(n)} dropped a minute`);

export function showGauges(stats: StatsReply, rates: Rates | undefined): void {
  capacity = stats.capacity;
  setText(byId("nodes"), count(stats.nodes));
  setText(byId("capacity"), `nodes of ${count(stats.capacity)}: ${percent(stats.nodes / stats.capacity)}`);
  const { stored, refreshed } = ratesOf(stats, rates);
  const displaced = stats.displaced > 0 ? ` ${counted(stats.displaced, "node")} gave way to new ones.` : "";
  setText(byId("registry-note"), `${rate(stored)} new and ${rate(refreshed)} announced again a second.${displaced}`);

  const { where, lag, appended, merged, errors } = stats.journal;
  setText(byId("lag"), seconds(lag));
  setText(byId("journal-where"), where === "memory" ? "nothing outlives a restart" : visible(where));
  setText(
    byId("journal-note"),
    where === "memory"
      ? "The journal is off: --journal memory."
      : `${count(appended)} written, ${count(merged)} read, ${counted(errors, "error")}.`,
  );

  const drops = stats.kernelDrops;
  setText(byId("drops"), drops === null ? "unknown" : count(drops));
  const queue = stats.receiveQueue === null ? "" : ` ${bytes(stats.receiveQueue)} wait in the receive buffers.`;
  setText(byId("drops-total"), drops === null ? "the system does not tell" : "since the start");
  const now = drops === null ? "" : `${rate(rates?.kernelDrops ?? 0)} a second now.`;
  setText(byId("kernel-note"), `${now}${queue}`);
}

function ratesOf(stats: StatsReply, rates: Rates | undefined): { stored: number; refreshed: number } {
  const names = Object.keys(stats.verdicts);
  const of = (name: string) => rates?.verdicts[names.indexOf(name)] ?? 0;
  return { stored: of("stored"), refreshed: of("refreshed") };
}

export function showGaugeHistory({ times, nodes, journalLag, kernelDrops }: Hour): void {
  registry.show(times, nodes);
  journal.show(times, journalLag);
  kernel.show(times, kernelDrops);
}

export function recolorGauges(): void {
  for (const chart of [registry, journal, kernel]) chart.recolor();
}
