/**
 * The sweep: queries at a fixed rate, whatever is answered, at one rate after the other. It shows from which load on the
 * server loses packets, as resperf does for DNS servers. (Under the other loads a client waits for its replies, so that
 * nothing is lost.)
 */
import type { TransportName } from "../../src/server/index.ts";
import { median } from "../statistics.ts";
import type { LoadResult } from "./load/load.ts";
import { place } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import { fill, serverOptions } from "./prepare.ts";
import { aligned, count, type Spread, spreadOf } from "./rows.ts";
import { Loaders, Server } from "./subject.ts";

/** One rate of one transport. */
export interface Step {
  readonly transport: TransportName;
  readonly workers: number;
  readonly nodes: number;
  /** Queries per second that should be sent. */
  readonly pace: number;
  /** Queries per second that were sent. */
  readonly offered: number;
  /** Replies per second. */
  readonly answered: number;
  /** The fraction of the queries that the server sent no reply to, also not in the second after the load. */
  readonly lost: number;
  /** Milliseconds from query to reply: the median, and the time within which 99 % came. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly spread: { readonly answered: Spread; readonly lost: Spread };
}

/** A transport is not measured at higher rates when it loses more than this. */
const SATURATED = 0.3;
/** The load generator is at its limit when it sends less than this many times as much as at the pace before. */
const FASTER = 1.02;
/** How long a pace is kept up before it counts. */
const WARM_UP_MS = 200;
/** More processes than this would only take processors away from the network stack. */
const MAX_PROCESSES = 4;

type Report = (line: string) => void;

interface Series {
  readonly transport: TransportName;
  readonly server: Server;
  readonly loaders: Loaders;
  readonly processes: number;
}

/** Sweeps over the transports, each with the first numbers of workers and nodes. */
export async function sweep(options: BenchOptions, paces: readonly number[], report: Report): Promise<Step[]> {
  const { transports, rounds, seconds } = options;
  const [workers, nodes] = [options.workers[0]!, options.nodes[0]!];
  const { server: pin, load, loadProcessors, text } = place(workers);
  const processes = Math.min(loadProcessors, MAX_PROCESSES);
  report(`sweep, ${count(nodes)} nodes: ${text}`);
  await using running = new AsyncDisposableStack();
  let due: Series[] = [];
  for (const transport of transports) {
    const server = running.use(await Server.start(pin, serverOptions(options, transport, workers, nodes)));
    const loaders = new Loaders(load, processes, workers);
    await fill(loaders, server, nodes, seconds);
    due.push({ transport, server, loaders, processes });
  }
  const steps: Step[] = [];
  for (const pace of paces) {
    const samples = new Map(due.map((series) => [series, [] as Sample[]]));
    for (let round = 1; round <= rounds; round++) {
      for (const [series, found] of samples) found.push(await measure(series, nodes, pace, seconds, round));
    }
    due = [];
    for (const [series, found] of samples) {
      const step = { workers, nodes, transport: series.transport, ...stepOf(pace, found) };
      const { offered, answered, lost } = step;
      report(
        `  ${step.transport} ${count(pace)}/s: sent ${count(offered)}, answered ${count(answered)}, lost ${percent(lost)}`,
      );
      const before = steps.findLast(({ transport }) => transport === step.transport);
      if (before !== undefined && offered < before.offered * FASTER) {
        report(`  ${step.transport}: the load generator cannot send more`);
        continue;
      }
      steps.push(step);
      if (lost <= SATURATED) due.push(series);
    }
  }
  return transports.flatMap((transport) => steps.filter((step) => step.transport === transport));
}

type Sample = Pick<Step, "offered" | "answered" | "lost" | "medianMs" | "p99Ms">;

async function measure(
  { server, loaders, processes }: Series,
  nodes: number,
  pace: number,
  seconds: number,
  seed: number,
): Promise<Sample> {
  const { port } = server;
  const other = { pace: Math.max(1, Math.round(pace / processes)), warmUpMs: WARM_UP_MS };
  const run = await loaders.run({ ...{ port, nodes, seconds, seed, other }, what: "hit" });
  const { replies, repliesPerSecond, perSecond, medianMs, p99Ms, wrong } = run;
  if (wrong > 0) throw new Error(`${count(wrong)} of ${count(replies)} replies were wrong at ${count(pace)} queries/s`);
  return { offered: perSecond, answered: repliesPerSecond, lost: lostOf(run), medianMs, p99Ms };
}

/** A reply that the load generator had no room for is not the server's loss. */
export function lostOf({ expected, replies, dropped }: Pick<LoadResult, "expected" | "replies" | "dropped">): number {
  return Math.max(0, 1 - (replies + dropped) / expected);
}

export function stepOf(pace: number, samples: readonly Sample[]): Omit<Step, "transport" | "workers" | "nodes"> {
  const of = (name: keyof Sample) => samples.map((sample) => sample[name]);
  return {
    pace,
    offered: median(of("offered")),
    answered: median(of("answered")),
    lost: median(of("lost")),
    medianMs: median(of("medianMs")),
    p99Ms: median(of("p99Ms")),
    spread: { answered: spreadOf(of("answered")), lost: spreadOf(of("lost")) },
  };
}

const percent = (fraction: number) => `${(fraction * 100).toFixed(2)} %`;

const HEADS = ["", "workers", "nodes", "sent per second", "answered per second", "lost", "ms", "99 %"];

/** A line per step. */
export function sweepTable(steps: readonly Step[]): string {
  const lines = steps.map(({ transport, workers, nodes, offered, answered, lost, medianMs, p99Ms }) => [
    transport,
    `${workers}`,
    count(nodes),
    count(Math.round(offered)),
    count(Math.round(answered)),
    percent(lost),
    medianMs.toFixed(2),
    p99Ms.toFixed(2),
  ]);
  return aligned([HEADS, ...lines], (column) => column === 0);
}
