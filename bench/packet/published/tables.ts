/** The tables of docs/codec.md, from the figures of a run. */
import type { CodecBackend } from "../../../src/codec/index.ts";
import { sum } from "../../statistics.ts";
import { BACKENDS, type Figures, ID_LENGTHS, OPERATIONS, type Operation, RUNTIMES, type Runtime } from "./figures.ts";

export type AllFigures = Readonly<Record<Runtime, Figures>>;

const NAMES: Readonly<Record<CodecBackend, string>> = { wasm: "WebAssembly", ts: "TypeScript" };
const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];

/** Backends whose times differ by less than this factor count as equally fast. */
const EQUAL = 1.05;

const TABLES = { machine, faster, cold, warm } as const satisfies Record<string, (all: AllFigures) => string>;

/**
 * Replaces the tables of the page, each of which stands between `<!-- bench:codec NAME -->` and `<!-- end -->`.
 *
 * @throws {Error} if the page lacks the place of a table
 */
export function withTables(page: string, all: AllFigures): string {
  return Object.entries(TABLES).reduce((text, [name, table]) => {
    const place = new RegExp(`(<!-- bench:codec ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!place.test(text)) throw new Error(`the page has no place for the table "${name}"`);
    return text.replace(place, (_, start, end) => `${start}\n${table(all)}\n\n${end}`);
  }, page);
}

function machine(all: AllFigures): string {
  const runs = RUNTIMES.map((runtime) => {
    const { processor, processors, system, date } = all[runtime];
    return `${processors} processors ${processor}, ${system}, ${date}`;
  });
  const runtimes = RUNTIMES.map((runtime) => all[runtime].runtime);
  if (new Set(runs).size === 1) return `${listOf(runtimes)}; ${runs[0]}; \`${all.bun.command}\`.`;
  return runs.map((run, i) => `- ${runtimes[i]}; ${run}; \`${all[RUNTIMES[i]!].command}\``).join("\n");
}

/** Which backend is faster, and how many times as fast. */
function faster(all: AllFigures): string {
  const lines = OPERATION_NAMES.map((operation) => [
    `\`${operation}\``,
    ...RUNTIMES.map((runtime) => {
      const { who, times } = fasterOf(all[runtime], operation);
      return who === undefined ? "equal" : `${NAMES[who]} ${times.toFixed(1)}×`;
    }),
  ]);
  return tableOf(["", ...RUNTIMES.map((runtime) => all[runtime].runtime)], lines);
}

/** The faster backend, undefined if both are equal, by the geometric mean over the lengths of the NodeID. */
export function fasterOf({ warm }: Figures, operation: Operation): { who: CodecBackend | undefined; times: number } {
  const logs = ID_LENGTHS.map((length) => Math.log(warm[operation][length].wasm / warm[operation][length].ts));
  const mean = sum(logs) / logs.length;
  const times = Math.exp(Math.abs(mean));
  return { who: times < EQUAL ? undefined : mean > 0 ? "ts" : "wasm", times };
}

function cold(all: AllFigures): string {
  const line = (what: string, ms: (figures: Figures) => number) => [
    what,
    ...RUNTIMES.map((runtime) => duration(ms(all[runtime]))),
  ];
  return tableOf(
    ["", ...RUNTIMES.map((runtime) => all[runtime].runtime)],
    [
      line("import", ({ cold }) => cold.import),
      line("first `tryDecode`, TypeScript", ({ cold }) => cold.decode.ts),
      line("first `tryDecode`, WebAssembly", ({ cold }) => cold.decode.wasm),
      line("first batch of 64, TypeScript", ({ cold }) => cold.batch.ts),
      line("first batch of 64, WebAssembly", ({ cold }) => cold.batch.wasm),
    ],
    "right",
  );
}

function warm(all: AllFigures): string {
  return RUNTIMES.map((runtime) => warmOf(all[runtime])).join("\n\n");
}

/** Nanoseconds per packet; the faster backend of each pair is bold. */
function warmOf({ runtime, warm }: Figures): string {
  const head = ID_LENGTHS.flatMap((length) => BACKENDS.map((who) => `${length.toLocaleString("en")} B, ${who}`));
  const lines = OPERATION_NAMES.map((operation) => {
    const cells = ID_LENGTHS.flatMap((length) => {
      const { wasm, ts } = warm[operation][length];
      const cell = (own: number, other: number) =>
        own * EQUAL <= other ? `**${nanoseconds(own)}**` : nanoseconds(own);
      return [cell(wasm, ts), cell(ts, wasm)];
    });
    return [`\`${operation}\``, ...cells];
  });
  return tableOf([runtime, ...head], lines, "right");
}

function tableOf(head: readonly string[], lines: readonly (readonly string[])[], align?: "right"): string {
  const rule = head.map((_, column) => (align === undefined || column === 0 ? "---" : "--:"));
  return [head, rule, ...lines].map((line) => `| ${line.join(" | ")} |`.replace(/^\| {2}/, "| ")).join("\n");
}

function nanoseconds(ns: number): string {
  return ns < 9.95 ? ns.toFixed(1) : Math.round(ns).toLocaleString("en");
}

function duration(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  return ms < 99.95 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString("en")} ms`;
}

function listOf(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}
