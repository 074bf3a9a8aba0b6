/** The tables of a report, as Markdown. */
import { aligned, table } from "../server/rows.ts";
import { sweepTable } from "../server/sweep.ts";
import type { XdpFigures } from "../server/xdp.ts";
import { textOf, times } from "../table.ts";
import type { Runs } from "./pictures.ts";
import type { Origin, PacketRun, ServerRun } from "./runs.ts";
import { machineLine } from "./words.ts";

export function tables({ bench, server }: Runs): string {
  return [
    "# Tables",
    "All figures behind the plots, as the benches wrote them. The page on performance says how they are measured.",
    ...(server ? serverTables(server) : []),
    ...(bench ? benchTables(bench) : []),
  ]
    .join("\n\n")
    .concat("\n");
}

function serverTables(run: ServerRun): string[] {
  const { engine, limits, rounds, seconds, places, rows, sweep, xdp } = run;
  return [
    "## The server",
    originText(run),
    `The engine is ${engine}; limits ${limits ? "run, but stop no packet" : "are off"}. Figures are medians of ${rounds} rounds of ${seconds} s.`,
    places.map((place) => `- ${place}`).join("\n"),
    [
      "The columns:",
      "",
      "- `us`: microseconds of processor, user and system, per reply; per packet received for loads other than `hit`.",
      "- `per second`: replies per second for `hit`, packets per second otherwise.",
      "- `MB`: resident memory of the process. `unanswered`: queries for known nodes that got no reply. `wrong`: wrong replies.",
      "- `x floor`: `us` divided by the floor, measured in the same round.",
    ].join("\n"),
    fenced(table(rows)),
    ...(sweep.length > 0
      ? [
          "## Loss by offered load",
          "`ms` and `99 %`: milliseconds from query to reply, the median and the time within which 99 % came; 200 stands for all that is longer.",
          fenced(sweepTable(sweep)),
        ]
      : []),
    ...(xdp ? xdpTables(xdp) : []),
  ];
}

function xdpTables({ command, place, rounds, softirq, costs }: XdpFigures): string[] {
  const lines = costs.map(({ who, cpu, ratio }) => [who, cpu.toFixed(2), ratio.toFixed(2)]);
  return [
    "## The transport xdp, over a virtual cable",
    `\`${command}\`; ${place}; medians of ${rounds} rounds. ${softirq ? "Softirq counts for the side that it is done for" : "Softirq counts for the side that does it"}.`,
    fenced(aligned([["", "us", "x floor"], ...lines], (column) => column === 0)),
  ];
}

function benchTables(run: PacketRun): string[] {
  return ["## Codec and engine", originText(run), ...times(run.rows).map((found) => fenced(textOf(found)))];
}

function originText(origin: Origin): string {
  return `\`${origin.command}\`, on ${machineLine(origin)}`;
}

function fenced(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}
