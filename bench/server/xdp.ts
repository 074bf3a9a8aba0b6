/** The transport xdp in the report of `bench:server`: measured by `bench:xdp`, where that can run. */
import { join } from "node:path";
import type { Compared } from "../xdp-transport/options.ts";
import type { Row } from "../xdp-transport/rows.ts";
import { type Spread, spreadOf } from "./rows.ts";

/** A bar: the cost of a reply, in microseconds, and how many times the floor it is. */
interface XdpCost {
  readonly who: "echo" | Compared;
  readonly cpu: number;
  readonly ratio: number;
  readonly spread: Spread;
}

export interface XdpFigures {
  /** The command that prints these figures. */
  readonly command: string;
  /** The processors that server and load had. */
  readonly place: string;
  readonly rounds: number;
  /**
   * Whether softirq counts where it belongs: on a veth pair, the processor of the sender does the work of the receiver.
   */
  readonly softirq: boolean;
  readonly costs: readonly XdpCost[];
}

/** What `bench:xdp --json` prints. */
interface XdpRun {
  readonly place: string;
  /** Why softirq could not be measured. */
  readonly noSoftirq?: string;
  readonly rounds: number;
  readonly rows: readonly Pick<Row, "who" | "own" | "whole" | "ratios" | "samples">[];
}

const PROGRAM = join(import.meta.dir, "../xdp-transport/main.ts");

/**
 * Measures xdp and mmsg beside their floor, with 512 queries in flight.
 *
 * @returns undefined if this machine cannot; the reason has been reported then
 * @throws {Error} if the bench fails
 */
export async function measureXdp(
  nodes: number,
  rounds: number,
  seconds: number,
  report: (line: string) => void,
): Promise<XdpFigures | undefined> {
  const load = ["--what", "hit", "--window", "512", "--pace", "0", "--nodes", `${nodes}`];
  const flags = [...load, "--rounds", `${rounds}`, "--seconds", `${seconds}`];
  const child = Bun.spawn([process.execPath, PROGRAM, ...flags, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => child.kill();
  process.on("exit", stop);
  const [text, code] = await Promise.all([child.stdout.text(), child.exited]);
  process.off("exit", stop);
  if (code !== 0) throw new Error(`bench:xdp ended with exit code ${code}`);
  const found: XdpRun | { readonly skipped: string } = JSON.parse(text);
  if ("skipped" in found) {
    report(`xdp is not measured: bench:xdp ${found.skipped}`);
    return undefined;
  }
  return figuresOf(["bun run bench:xdp", ...flags].join(" "), found);
}

export function figuresOf(command: string, { place, noSoftirq, rounds, rows }: XdpRun): XdpFigures {
  const softirq = noSoftirq === undefined;
  const costs = rows.map(({ who, own, whole, ratios, samples }): XdpCost => {
    const spread = spreadOf(samples.map((sample) => (softirq ? sample.whole : sample.own)));
    return { who, cpu: softirq ? whole : own, ratio: softirq ? ratios.whole : ratios.own, spread };
  });
  return { command, place, rounds, softirq, costs };
}
