/** `whereabouts watch`: the nodes of the LAN, as a live table on a terminal, elsewhere one line per change. */
import { Command } from "commander";
import type { Discoverer, LanEvent } from "../client/index.ts";
import { bytesToHex } from "../codec/index.ts";
import { addDiscovererFlags, startDiscoverer } from "./discoverer.ts";
import { errorText, failOnStreamError } from "./errors.ts";
import { Lines, printError, untilSignal } from "./terminal/output.ts";
import { Screen, type Size } from "./terminal/screen.ts";
import { nodeIdJson, type Style, showAddress, showNodeId, styleFor, timeStamp } from "./terminal/style.ts";
import { type Highlight, renderTable, type View } from "./terminal/table.ts";
import { flag, isOn } from "./values.ts";

const HELP = `
On a terminal it shows a live table. Otherwise, or with --json, it prints a line for each change: + is a new node, ~ a node
whose address changed, - a node that was silent for 90 s. Nodes of this program are found at once; others announce
themselves every 30 s.
SIGINT (Ctrl-C) and SIGTERM stop it: exit code 0. Exit code 1: it cannot listen on the LAN. Exit code 2: wrong use.

Examples:
  whereabouts watch
  whereabouts watch | tee lan.log
    2026-01-31T12:00:00+01:00  +  NODE-A  192.168.0.34:22000
    2026-01-31T12:04:30+01:00  ~  NODE-A  192.168.0.34:22000 -> 192.168.0.35:22000
  whereabouts watch --group my-app --interface eth0,wlan0
  whereabouts watch --json
    {"type":"node","nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","ip":"192.168.0.34","port":22000,"seenAt":1769857200000}
"type" is node, moved or gone; "nodeId" is null if the bytes of the NodeID are not printable text; "seenAt", the time of
the last announcement, is in milliseconds since 1970.`;

/** How long a change is highlighted in the table. */
const HIGHLIGHT_MS = 5_000;
/** The least time between two redraws: on a busy LAN, more would be unreadable. */
const REDRAW_MS = 100;

export function watchCommand(): Command {
  return addDiscovererFlags(new Command("watch"))
    .description("Watch the LAN: shows a live table of its nodes, or prints a line for each change.")
    .addOption(flag("--json", "print a JSON object for each change"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(watch);
}

async function watch(_flags: unknown, command: Command): Promise<void> {
  const json = isOn(command, "json");
  const stop = untilSignal();
  await using discoverer = await startDiscoverer({ lan: true }, command);
  const table = process.stdout.isTTY && process.env.TERM !== "dumb" && !json;
  try {
    if (table) await showTable(discoverer, stop);
    else await printEvents(discoverer, json, stop);
  } catch (error) {
    failOnStreamError(error, command);
  }
}

/** Runs until `stop` resolves, or nobody reads the output any more. */
async function printEvents(discoverer: Discoverer, json: boolean, stop: Promise<unknown>): Promise<void> {
  discoverer.on("error", (error) => printError(`whereabouts: error: ${errorText(error)}`));
  const lines = new Lines();
  const events = new EventLines(styleFor(process.stdout));
  const print = async () => {
    for await (const event of discoverer.watch()) {
      await lines.add(json ? eventJson(event) : events.line(event, Date.now()));
    }
  };
  await Promise.race([stop, lines.gone, print()]);
  await lines.flush();
}

/** Formats changes as lines. For a node that moved, the line has its previous address too. */
export class EventLines {
  readonly #style: Style;
  readonly #addresses = new Map<string, string>();

  constructor(style: Style) {
    this.#style = style;
  }

  line(event: LanEvent, now: number): string {
    const { bold, dim, red, green, yellow } = this.#style;
    const key = bytesToHex(event.nodeId);
    const before = this.#addresses.get(key);
    const address = showAddress(event);
    if (event.type === "gone") this.#addresses.delete(key);
    else this.#addresses.set(key, address);
    const sign = { node: green("+"), moved: yellow("~"), gone: red("-") }[event.type];
    const where = event.type === "moved" && before !== undefined ? `${before} -> ${address}` : address;
    return `${dim(timeStamp(now))}  ${sign}  ${bold(showNodeId(event.nodeId))}  ${where}`;
  }
}

export function eventJson({ type, nodeId, ip, port, seenAt }: LanEvent): string {
  return JSON.stringify({ type, ...nodeIdJson(nodeId), ip, port, seenAt });
}

/** Runs until `stop` resolves, or the terminal is gone. The last table stays on the terminal. */
async function showTable(discoverer: Discoverer, stop: Promise<unknown>): Promise<void> {
  const style = styleFor(process.stdout);
  const highlights = new Map<string, Highlight>();
  let error: View["error"];
  const render = (size: Size) =>
    renderTable(discoverer.nodes(), { ...size, now: Date.now(), style, highlights, error });
  const screen = new Screen(render);

  let redraw: NodeJS.Timeout | undefined;
  const changed = () => {
    redraw ??= setTimeout(() => {
      redraw = undefined;
      screen.draw();
    }, REDRAW_MS);
  };
  const highlight = ({ type, nodeId }: LanEvent) => {
    const key = bytesToHex(nodeId);
    if (type === "gone") highlights.delete(key);
    else highlights.set(key, { type, until: Date.now() + HIGHLIGHT_MS });
    changed();
  };
  for (const name of ["node", "moved", "gone"] as const) discoverer.on(name, highlight);
  discoverer.on("error", (cause) => {
    error = { message: errorText(cause), at: Date.now() };
    changed();
  });
  const timer = setInterval(() => screen.draw(), 1000);
  screen.open();
  await Promise.race([stop, screen.gone]);
  clearInterval(timer);
  clearTimeout(redraw);
  await screen.close();
}
