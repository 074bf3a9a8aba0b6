/** The flags of the benches on a terminal. */
import { parseArgs } from "node:util";
import { FULL, type Pace, QUICK } from "./measure.ts";

export interface Options<S extends string> {
  readonly suites: readonly S[];
  readonly quick: boolean;
  readonly pace: Pace;
  readonly json: boolean;
  /** Sizes of the engine's registry. */
  readonly nodes: readonly number[];
}

const NODES = [10_000, 1_000_000];
const QUICK_NODES = [1_000];

/** Reads the flags; a wrong one ends the process: a line that says what is wrong, and exit 2. */
export function optionsOf<S extends string>(command: string, suites: readonly S[]): Options<S> {
  // Only the engine has nodes, and it is only where it is in the choice.
  const engine = suites.some((suite) => suite === "engine");
  try {
    const options = parse(suites, engine);
    if (options !== undefined) return options;
    console.log(help(command, suites, engine));
    process.exit(0);
  } catch (error) {
    const usage = `${command} [--only ${suites.join("|")}]${engine ? " [--nodes N]" : ""} [--quick] [--json]`;
    console.error(`bench: ${(error as Error).message.replace(/\s*\n\s*/g, " ")}; usage: ${usage}`);
    process.exit(2);
  }
}

function help(command: string, suites: readonly string[], engine: boolean): string {
  const flags = [
    ["--only <suite>", `${suites.slice(0, -1).join(", ")} or ${suites.at(-1)}; default: all`],
    ...(engine ? [["--nodes <n>", `nodes that the engine's registry holds; default: ${NODES.join(", and ")}`]] : []),
    ["--quick", "see that all of it works; the figures say little"],
    ["--json", "print for machines"],
    ["-h, --help", "this"],
  ];
  return [`Usage: ${command} [options]`, "", ...flags.map(([flag, is]) => `  ${flag!.padEnd(16)}${is}`)].join("\n");
}

/** @returns `undefined` where help is asked for */
function parse<S extends string>(suites: readonly S[], engine: boolean): Options<S> | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      ...(engine && { nodes: { type: "string" } as const }),
    },
  });
  const { only, quick, json, help } = values;
  if (help) return undefined;
  const chosen = suites.filter((suite) => only === undefined || suite === only);
  if (chosen.length === 0) throw new Error(`--only must be one of ${suites.join(", ")}`);
  const nodes = "nodes" in values ? [Number(values.nodes)] : quick ? QUICK_NODES : NODES;
  if (!nodes.every((n) => Number.isInteger(n) && n >= 5))
    throw new Error("--nodes must be a whole number of 5 or more");
  return { suites: chosen, quick, pace: quick ? QUICK : FULL, json, nodes };
}
