/** Horizontal bars in panels: each has a name, its figure written beside it, and a thin line for the spread. */
import type { TopLevelSpec } from "vega-lite";
import { type Colour, colour } from "../../../scripts/pictures/theme.ts";
import { CHARACTER_WIDTH, ROOM } from "../picture.ts";

export interface Bar {
  /** Bars of one panel stand together, below its title. */
  readonly panel: string;
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly label: string;
  readonly colour: Colour;
  /** A value to compare with, drawn as a line across the bar, and its name. One bar of a panel has the name for all. */
  readonly mark?: number;
  readonly markLabel?: string;
}

/** Space for the names of bars. */
export const NAMES = 94;
/** The rest, without half of the last label of the axis. */
const PLOT_WIDTH = ROOM - NAMES - 20;

/** Height of a bar and of its row, in the picture's units. */
const ROW = { bar: 16, step: 24 } as const;

/** @param axis - what is measured, with its unit */
export function barsSpec(bars: readonly Bar[], axis: string): TopLevelSpec {
  const panels = [...new Set(bars.map(({ panel }) => panel))];
  const most = Math.max(...bars.map(({ high, value }) => Math.max(high, value)));
  const room = Math.max(...bars.map(({ label }) => label.length)) * CHARACTER_WIDTH;
  const domainMax = (most * PLOT_WIDTH) / (PLOT_WIDTH - room);
  return {
    spacing: 16,
    vconcat: panels.map((title, i) => {
      const those = bars.filter(({ panel }) => panel === title);
      return panelOf(title, those, domainMax, i === panels.length - 1 ? axis : null);
    }),
  };
}

/** @param axis - null for no labels below the panel: they are below another one */
function panelOf(title: string, bars: readonly Bar[], domainMax: number, axis: string | null) {
  const values = bars.map((bar) => ({
    ...bar,
    colour: colour(bar.colour),
    end: Math.max(bar.value, bar.high),
    markLabel: bar.markLabel ?? "",
  }));
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    axis: { title: null, grid: false, minExtent: NAMES, maxExtent: NAMES, labelColor: colour("ink") },
  } as const;
  const x = (field: string) =>
    ({
      field,
      type: "quantitative",
      stack: null,
      scale: { domainMin: 0, domainMax, nice: false },
      axis: { title: axis, tickCount: 5, grid: true, labels: axis !== null },
    }) as const;
  const marked = bars.some(({ mark }) => mark !== undefined);
  const marks: Layers = [
    { mark: { type: "tick", thickness: 2, size: ROW.step, color: colour("ink") }, encoding: { y, x: x("mark") } },
    {
      mark: { type: "text", align: "left", dx: -1, dy: -ROW.step / 2 - 7, fontSize: 12 },
      encoding: { y, x: x("mark"), text: { field: "markLabel" } },
    },
  ];
  const layer: Layers = [
    {
      mark: { type: "bar", height: ROW.bar, cornerRadiusEnd: 2 },
      encoding: { y, x: x("value"), color: { field: "colour", type: "nominal", scale: null } },
    },
    { mark: { type: "rule", strokeWidth: 1.2 }, encoding: { y, x: x("low"), x2: { field: "high" } } },
    ...(marked ? marks : []),
    { mark: { type: "text", align: "left", dx: 6 }, encoding: { y, x: x("end"), text: { field: "label" } } },
  ];
  return {
    title: { text: title, offset: marked ? 18 : 6 },
    data: { values },
    width: PLOT_WIDTH,
    height: { step: ROW.step },
    layer,
  };
}

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];
