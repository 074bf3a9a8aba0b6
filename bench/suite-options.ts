/** The flags of `bun bench` and of the same suites in Node and Chromium. */
import { FULL, type Pace, QUICK } from "./measure.ts";
import { optionsOf, someOf, toggle, UsageError, wholeNumber } from "./options.ts";
import { REPORT_FLAGS, type ReportOptions, reportOptionsOf } from "./report/flags.ts";

export interface SuiteOptions<S extends string> {
  readonly suites: readonly S[];
  readonly quick: boolean;
  readonly pace: Pace;
  readonly json: boolean;
  /** Sizes of the engine's registry. */
  readonly nodes: readonly number[];
  readonly report: ReportOptions | undefined;
}

const NODES = [10_000, 1_000_000];
const QUICK_NODES = [1_000];

const ABOUT = `Runs the same work through several implementations ("contestants"), checks that their results agree, and prints
nanoseconds per packet or value, and how many times as long each takes as the first.`;

/** Reads the command line. Ends the process for `--help` and for a wrong flag, as {@link optionsOf} does. */
export function suiteOptionsOf<S extends string>(command: string, suites: readonly S[]): SuiteOptions<S> {
  // Only the engine has a registry, and only the program that runs it, in Bun, writes reports.
  const engine = suites.some((suite) => suite === "engine");
  const names = suites.join(", ");
  const flags = {
    only: someOf({
      names: suites,
      value: "<list>",
      default: undefined,
      help: `suites to run, separated by commas: ${names} (default: all)`,
    }),
    ...(engine && {
      nodes: wholeNumber({
        min: 5,
        default: undefined,
        help: `nodes in the engine's registry (default: ${NODES.join(" and ")})`,
      }),
    }),
    quick: toggle("smoke test: run everything once and check that the results agree; measures nothing"),
    json: toggle("print one line of JSON"),
    ...(engine && REPORT_FLAGS),
  };
  return optionsOf({ command, about: ABOUT, flags }, (values) => {
    const { only, quick, json } = values;
    const nodes = "nodes" in values ? (values.nodes as number | undefined) : undefined;
    const report = engine ? reportOptionsOf(values as Required<typeof values>) : undefined;
    if (report !== undefined && quick) throw new UsageError("--report needs figures, and --quick measures none");
    return {
      suites: suites.filter((suite) => only?.includes(suite) ?? true),
      quick,
      pace: quick ? QUICK : FULL,
      json,
      nodes: nodes !== undefined ? [nodes] : quick ? QUICK_NODES : NODES,
      report,
    };
  });
}
