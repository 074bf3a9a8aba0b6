/** The figures of `bench:https`: samples, rows (their medians), and targets. */
import { aligned } from "../aligned.ts";
import { median } from "../statistics.ts";
import type { SubjectName } from "./subjects.ts";

/** One measurement of one server in one round. */
export interface Sample {
  /** Requests answered per second. */
  readonly perSecond: number;
  /** Microseconds of the server's processor time per request, user and system. */
  readonly cpu: number;
  /** Processors that the load took. Near 1 it was the limit, not the server. */
  readonly load: number;
}

type Samples = Partial<Record<SubjectName, readonly Sample[]>>;

export interface Row {
  readonly load: string;
  /** Medians of the rounds, by server. */
  readonly medians: Partial<Record<SubjectName, Sample>>;
  /** Medians of ours divided by those of stdiscosrv in the same round; undefined without one of them. */
  readonly ratio: Pick<Sample, "perSecond" | "cpu"> | undefined;
  readonly samples: Samples;
}

export interface Memory {
  readonly subject: SubjectName;
  /** Resident bytes before and after the devices were announced. */
  readonly empty: number;
  readonly loaded: number;
}

export interface Target {
  readonly text: string;
  readonly figure: number;
  readonly atLeast: number;
  readonly reached: boolean;
}

/** The load that has a target, and the least ratio. */
const TARGET = { load: "look-ups behind a proxy", atLeast: 1 } as const;

export function rowOf(load: string, samples: Samples): Row {
  const middle = (of: readonly Sample[]): Sample => ({
    perSecond: median(of.map(({ perSecond }) => perSecond)),
    cpu: median(of.map(({ cpu }) => cpu)),
    load: median(of.map(({ load }) => load)),
  });
  const { whereabouts: ours, stdiscosrv: theirs } = samples;
  // A ratio of medians would be wrong: the machine's speed differs between rounds.
  const ratioOf = (what: "perSecond" | "cpu") =>
    median(ours!.map((sample, round) => sample[what] / theirs![round]![what]));
  const ratio = ours && theirs && { perSecond: ratioOf("perSecond"), cpu: ratioOf("cpu") };
  const medians = Object.fromEntries(Object.entries(samples).map(([name, of]) => [name, middle(of)]));
  return { load, medians, ratio, samples };
}

/** The targets for which these rows have figures. */
export function targets(rows: readonly Row[]): Target[] {
  return rows.flatMap(({ load, ratio }) => {
    if (load !== TARGET.load || ratio === undefined) return [];
    const text = `${load}: whereabouts / stdiscosrv`;
    const { perSecond: figure } = ratio;
    return [{ text, figure, atLeast: TARGET.atLeast, reached: figure >= TARGET.atLeast }];
  });
}

export function targetLine({ text, figure, atLeast, reached }: Target): string {
  return `${reached ? "reached    " : "not reached"}  ${text}: ${figure.toFixed(2)} (at least ${atLeast})`;
}

const count = (n: number) => Math.round(n).toLocaleString("en-US");
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)}`;

/** A line per load and server, with the ratios in our line. */
export function table(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ load, medians, ratio }) =>
    Object.entries(medians).map(([name, sample], i) => [
      i === 0 ? load : "",
      name,
      count(sample.perSecond),
      i === 0 && ratio ? ratio.perSecond.toFixed(2) : "",
      sample.cpu.toFixed(1),
      i === 0 && ratio ? ratio.cpu.toFixed(2) : "",
      `${Math.round(sample.load * 100)} %`,
    ]),
  );
  return aligned([["", "", "per second", "ratio", "us", "ratio", "load"], ...lines], (column) => column < 2);
}

export const LEGEND = `us: microseconds of the server's processor per request. ratio: ours divided by that of stdiscosrv in the same round. load:
the processor that the load took. While the machine is busy with other work, compare us: requests per second depend on it.`;

export function memoryTable(memory: readonly Memory[]): string {
  const lines = memory.map(({ subject, empty, loaded }) => [subject, megabytes(empty), megabytes(loaded)]);
  return aligned([["", "MB empty", "MB loaded"], ...lines], (column) => column === 0);
}
