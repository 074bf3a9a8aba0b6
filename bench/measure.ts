/** Measuring and tables, over mitata. */
import { measure } from "mitata";

export interface Row {
  /** What is measured, the same for all that are compared: "hit, batch of 64, 10000 nodes". */
  readonly what: string;
  /** Who does it: "wasm". */
  readonly who: string;
  /** Nanoseconds a packet, the median over mitata's samples. */
  readonly ns: number;
}

/** Time for each row, in ns of processor. */
const BUDGET = 400e6;

/** @param run does `packets` packets; @returns the median of a packet in ns. */
export async function perPacket(packets: number, run: () => unknown): Promise<number> {
  const { p50 } = await measure(run, { min_cpu_time: BUDGET });
  return p50 / packets;
}

/** As `perPacket`, for work that needs a preparation which is not to count: `run` returns the ns that count. */
export async function perPacketTimed(packets: number, run: () => number): Promise<number> {
  // mitata's types do not tell of `manual`: the function times itself.
  const options = { min_cpu_time: BUDGET, manual: true } as object;
  const { p50 } = await measure(run, options);
  return p50 / packets;
}

/** A table: a line for each thing measured, a column for each who did it. */
export function table(rows: readonly Row[], cell: (row: Row) => string): string {
  const whos = [...new Set(rows.map((row) => row.who))];
  const whats = [...new Set(rows.map((row) => row.what))];
  const lines = [["", ...whos]];
  for (const what of whats) {
    const cells = whos.map((who) => rows.find((row) => row.what === what && row.who === who));
    lines.push([what, ...cells.map((row) => (row ? cell(row) : ""))]);
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join("   ").trimEnd()).join("\n");
}

/** How many times as long as `base` the others take. */
export function ratios(rows: readonly Row[], base: string): string {
  const baseOf = (row: Row) => rows.find(({ what, who }) => what === row.what && who === base)?.ns;
  const others = rows.filter((row) => row.who !== base && baseOf(row) !== undefined);
  return table(others, (row) => `${(row.ns / baseOf(row)!).toFixed(1)}x`);
}
