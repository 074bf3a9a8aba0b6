/** Figures and machines in words. */
import type { Origin } from "./runs.ts";

export function machineLine({ host, date }: Origin): string {
  const { processors, processor, kernel, bun, whereabouts, loadAverage } = host;
  return `${processors} processors (${processor}), ${kernel}; Bun ${bun}, whereabouts ${whereabouts}; ${date}, load average ${loadAverage} before.`;
}

/** A cost with three digits: "7.26", "15.3", "1,204". */
export function figure(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** "10,000" or "1 million". */
export function nodesText(nodes: number): string {
  return nodes < 1e6 ? nodes.toLocaleString("en-US") : `${nodes / 1e6} million`;
}
