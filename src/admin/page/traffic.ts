/** Answers and packets a second, and the verdicts of packets. */
import type { StatsReply } from "../api.ts";
import { Chart } from "./chart.ts";
import { byId, setText } from "./dom.ts";
import { count, rate } from "./format.ts";
import type { Hour } from "./hour.ts";
import type { Live } from "./live.ts";
import { outcomeRows } from "./outcome-rows.ts";
import type { Rates } from "./rates.ts";
import { GROUPS, groupOf } from "./verdicts.ts";

const traffic = new Chart({
  figure: byId("traffic"),
  series: [
    { label: "answers", color: "--answered", fill: "tint" },
    { label: "packets", color: "--packets", fill: "none" },
  ],
  least: 10,
  readout: ([answers, packets]) =>
    answers == null || packets == null
      ? "nothing is known"
      : `${rate(answers)} answers, ${rate(packets)} packets a second`,
});

/** uPlot draws in this order. So the top of the stack comes first, and each part covers what is below its own top. */
const outcomes = new Chart({
  figure: byId("outcomes"),
  series: GROUPS.map(({ title, key }) => ({ label: title, color: `--${key}`, fill: "opaque" as const })).reverse(),
  least: 10,
  readout: (sums) => {
    if (sums.at(-1) == null) return "the server did not run";
    const parts = partsOf(sums.toReversed()).map((n, i) => (n > 0 ? `${rate(n)} ${GROUPS[i]!.title}` : ""));
    return `${parts.filter((part) => part !== "").join(", ") || "no packets"} a second`;
  },
});

/** The parts of a stack, from its sums. */
function partsOf(sums: readonly (number | null)[]): number[] {
  return sums.map((sum, i) => Math.max(0, (sum ?? 0) - (i === 0 ? 0 : (sums[i - 1] ?? 0))));
}

const rows = outcomeRows(byId("verdicts"));

export function showTraffic(stats: StatsReply, rates: Rates | undefined, live: Live): void {
  if (rates) {
    setText(byId("answers"), rate(rates.answered));
    setText(byId("packets"), rate(rates.received));
  }
  setText(byId("answers-total"), count(stats.verdicts.answered));
  setText(byId("packets-total"), count(stats.received));
  const columns = live.columns(Date.parse(stats.at));
  traffic.show(
    columns,
    rangeOf(columns[1], (n) => `${rate(n)} answers a second`),
  );
  rows.show(
    Object.entries(stats.verdicts)
      .map(([name, total], i) => {
        const { key: color, verdicts } = GROUPS[groupOf(name)]!;
        return { name, meaning: verdicts[name] ?? "", color, total, rate: rates?.verdicts[i] };
      })
      .sort((a, b) => groupOf(a.name) - groupOf(b.name)),
  );
}

export function showOutcomes({ times, stacked }: Hour): void {
  const last = partsOf(stacked.map((column) => column.at(-1) ?? 0));
  const shares = GROUPS.map(({ title }, i) => `${rate(last[i]!)} ${title}`).join(", ");
  const all = rangeOf(stacked.at(-1)!, (n) => `${rate(n)} packets a second`);
  outcomes.show([times, ...stacked.toReversed()], `${all} By outcome, now: ${shares}.`);
}

/** A column in words. */
export function rangeOf(column: readonly (number | null)[], text: (value: number) => string): string {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let last: number | undefined;
  for (const value of column) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    last = value;
  }
  if (last === undefined) return "Nothing is known yet.";
  return `Now ${text(last)}; lowest ${text(least)}, highest ${text(most)}.`;
}

export function recolorTraffic(): void {
  traffic.recolor();
  outcomes.recolor();
}
