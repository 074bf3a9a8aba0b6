/** A chart over time: uPlot with this page's fonts and colours, a readout for the pointer, and a summary in words. */
import uPlot from "uplot";
import { clock, count } from "./format.ts";

interface Series {
  readonly label: string;
  /** Name of its colour, of those in theme.css: `--answered`. */
  readonly color: string;
  /** Fills the area under its line: as a tint, or for the parts of a stack opaque. */
  readonly fill: "none" | "tint" | "opaque";
}

export interface ChartOptions {
  /** The element around the chart: `.plot`, `.readout` and `.summary` are in it. */
  readonly figure: HTMLElement;
  readonly series: readonly Series[];
  /** The value of an axis mark. */
  readonly axis?: (value: number) => string;
  /** The largest value of the vertical axis is never less than this. */
  readonly least?: number;
  /** Nor is it more than this. */
  readonly most?: () => number;
  /** The line under the chart for one point in time. `values` has those of all series. */
  readonly readout: (values: readonly (number | null)[]) => string;
}

type Columns = readonly [readonly number[], ...(readonly (number | null)[])[]];

const FONT = "12px system-ui, sans-serif";
const AXIS_WIDTH = 52;
/** Whole minutes, since the marks of the time have no seconds. */
const TIME_STEPS_S = [60, 300, 600, 900, 1800, 3600];

export class Chart {
  readonly #options: ChartOptions;
  readonly #plot: uPlot;
  readonly #place: HTMLElement;
  readonly #readout: HTMLElement;
  readonly #summary: HTMLElement;
  #columns: Columns;

  constructor(options: ChartOptions) {
    const { figure, series, axis = compact, least = 1, most = () => Number.POSITIVE_INFINITY } = options;
    this.#options = options;
    this.#place = figure.querySelector<HTMLElement>(".plot")!;
    this.#readout = figure.querySelector<HTMLElement>(".readout")!;
    this.#summary = figure.querySelector<HTMLElement>(".summary")!;
    this.#columns = [[], ...series.map(() => [])];
    const grid = { stroke: () => color("--line"), width: 1 };
    const common = { stroke: () => color("--quiet"), font: FONT, ticks: { show: false } };
    this.#plot = new uPlot(
      {
        ...this.#size(),
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: { y: { range: (_, __, value) => [0, Math.min(most(), niceMost(Math.max(value ?? 0, least)))] } },
        axes: [
          {
            ...common,
            ...{ grid: { show: false }, space: 44, size: 28, gap: 8, incrs: TIME_STEPS_S },
            values: (_, times) => times.map(minute),
          },
          { ...common, grid, size: AXIS_WIDTH, gap: 6, space: 28, values: (_, values) => values.map(axis) },
        ],
        series: [
          {},
          ...series.map(({ label, color: name, fill }) => ({
            label,
            stroke: () => color(name),
            width: fill === "opaque" ? 1 : 1.75,
            points: { show: false },
            ...(fill === "none" ? {} : { fill: () => (fill === "opaque" ? color(name) : tint(color(name))) }),
          })),
        ],
        hooks: { setCursor: [() => this.#showReadout()] },
      },
      this.#data(),
      this.#place,
    );
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#place);
  }

  /** Shows the columns. The chart ends with the last time. */
  show(columns: Columns, summary: string): void {
    this.#columns = columns;
    const [times] = columns;
    this.#plot.setData(this.#data(), false);
    if (times.length > 1) this.#plot.setScale("x", { min: times[0]!, max: times.at(-1)! });
    if (this.#summary.textContent !== summary) this.#summary.textContent = summary;
    this.#showReadout();
  }

  /** Draws again with the colours of the theme. */
  recolor(): void {
    colors.clear();
    this.#plot.redraw(false);
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#place.clientWidth), height: Math.max(100, this.#place.clientHeight) };
  }

  #data(): uPlot.AlignedData {
    return this.#columns as unknown as uPlot.AlignedData;
  }

  #showReadout(): void {
    const { left = -1, idx } = this.#plot?.cursor ?? {};
    const [times, ...values] = this.#columns;
    const time = left >= 0 && idx != null ? times[idx] : undefined;
    const text =
      time === undefined
        ? ""
        : `${clock(time * 1000)}  ${this.#options.readout(values.map((column) => column[idx!] ?? null))}`;
    if (this.#readout.textContent !== text) this.#readout.textContent = text;
  }
}

/** Short marks of an axis: `0.5`, `950`, `12k`, `1.5M`. */
function compact(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 10_000) return `${Number((value / 1e3).toPrecision(3))}k`;
  return value < 10 ? `${Number(value.toPrecision(2))}` : count(value);
}

function minute(time: number): string {
  return clock(time * 1000).slice(0, 5);
}

/** A round number that is at least `value`, so that the axis does not move with every small change. */
function niceMost(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((n) => n >= value * 1.02) ?? power * 15;
}

/** The colours of theme.css by name, as they are in the present theme. */
const colors = new Map<string, string>();
const probe = document.body.appendChild(Object.assign(document.createElement("i"), { hidden: true }));

function color(name: string): string {
  let value = colors.get(name);
  if (value === undefined) {
    probe.style.color = `var(${name})`;
    value = getComputedStyle(probe).color;
    colors.set(name, value);
  }
  return value;
}

function tint(rgb: string): string {
  return rgb.replace("rgb(", "rgba(").replace(")", ", 0.14)");
}
