/** Replies per second by number of workers. */

import { count, plural } from "../../server/rows.ts";
import type { Plot } from "../picture.ts";
import type { ServerRun } from "../runs.ts";
import { nodesText } from "../words.ts";
import { type Bar, barsSpec, NAMES } from "./bars.ts";
import { COLOURS } from "./colours.ts";

export function workersPlot(run: ServerRun): Plot | undefined {
  const { rows, places, rounds, seconds } = run;
  const hits = rows.filter(({ who, what }) => who === "server" && what === "hit");
  const nodes = Math.min(...hits.map((row) => row.nodes));
  const bars = hits
    .filter((row) => row.nodes === nodes)
    .map((row): Bar => {
      const [low, high] = row.spread.perSecond;
      return {
        ...{ panel: row.transport, name: plural(row.workers, "worker"), value: row.perSecond, low, high },
        label: count(Math.round(row.perSecond)),
        colour: COLOURS[row.transport],
      };
    });
  if (bars.length === 0) return undefined;
  const shared = places.filter((place) => place.includes("share"));
  return {
    name: "bench-workers",
    title: "Replies per second, by workers",
    about: "As many queries as are answered: each client sends its next ones when it has its replies.",
    spec: barsSpec(bars, "replies per second"),
    left: NAMES,
    origin: run,
    notes: [
      `Queries for known nodes, ${nodesText(nodes)} nodes. Medians of ${rounds} rounds of ${seconds} s; thin lines: lowest to highest round.`,
      ...(shared.length > 0
        ? [
            `Server and load generator shared all processors with ${workersOf(shared)}: there the machine is the limit, not the server.`,
          ]
        : []),
    ],
  };
}

/** Of titles such as "udp, 2 workers: server and load share 2 processors": "2 workers". */
function workersOf(places: readonly string[]): string {
  return [...new Set(places.map((place) => /, (.*?):/.exec(place)![1]!))].join(" and ");
}
