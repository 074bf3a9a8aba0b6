/** The figures of the bench, as a table and as JSON, and their targets. */
import { aligned } from "../aligned.ts";
import { median } from "../statistics.ts";

/** Which of a figure's values a target is for. */
type Value = "median" | "p99" | "max";

export interface Figure {
  readonly part: string;
  readonly what: string;
  readonly unit: string;
  /** How often it was measured. */
  readonly count: number;
  /** Infinity: it did not happen in time. */
  readonly median: number;
  /** The lowest of the values that at least 99 % of them do not exceed. */
  readonly p99: number;
  readonly max: number;
  /** The most that the figure should be. */
  readonly targets: Readonly<Partial<Record<Value, number>>>;
}

const NAMES: Readonly<Record<Value, string>> = { median: "median", p99: "99 %", max: "max" };

export function figure(
  part: string,
  what: string,
  unit: string,
  values: readonly number[],
  targets: Figure["targets"] = {},
): Figure {
  return {
    part,
    what,
    unit,
    count: values.length,
    median: median(values),
    p99: values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!,
    max: Math.max(...values),
    targets,
  };
}

/** The targets that a figure misses, as text. */
export function missed(figure: Figure): string[] {
  return Object.entries(figure.targets)
    .filter(([value, target]) => !(figure[value as Value] <= target))
    .map(([value, target]) => {
      const name = figure.count === 1 ? "" : `${NAMES[value as Value]} `;
      const found = figure[value as Value];
      const unit = Number.isFinite(found) && figure.unit !== "" ? ` ${figure.unit}` : "";
      return `MISSED   ${figure.part}, ${figure.what}: ${name}${numberOf(found)}${unit}, target ${target}`;
    });
}

/** A table per part. */
export function textTables(figures: readonly Figure[]): string {
  return [...new Set(figures.map(({ part }) => part))]
    .map((part) => {
      const own = figures.filter((figure) => figure.part === part);
      const lines = [[part, "n", "median", "99 %", "max", "", "target"], ...own.map(cells)];
      return aligned(lines, (column) => column === 0 || column > 4);
    })
    .join("\n\n");
}

function cells(figure: Figure): string[] {
  const { what, unit, count, targets } = figure;
  const once = count === 1;
  const target = Object.entries(targets).map(([value, most]) =>
    once ? `${most}` : `${NAMES[value as Value]} ${most}`,
  );
  const [middle, high] = once ? ["", ""] : [numberOf(figure.median), numberOf(figure.p99)];
  return [what, once ? "" : `${count}`, middle, high, numberOf(figure.max), unit, target.join(", ")];
}

function numberOf(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "never";
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
