/** `whereabouts watch`: the nodes of the LAN, as a live table on a terminal, else a line for each change. */
import { Command } from "commander";
import type { Discoverer, LanEvent } from "../client/index.ts";
import { complain, Lines, startDiscoverer, untilSignal } from "./terminal/output.ts";
import { Screen, type Size } from "./terminal/screen.ts";
import { nodeIdJson, type Style, showAddress, showNodeId, styleFor, timeStamp, visible } from "./terminal/style.ts";
import { type Mark, renderTable, type View } from "./terminal/table.ts";
import { flag, isOn } from "./values.ts";

const HELP = `
On a terminal, a table that is kept up to date. Elsewhere, and with --json, a line for each change: + for a node that is
new, ~ for one that has moved, - for one that was not heard of for 90 s. Nodes announce themselves every 30 s.
SIGINT (Ctrl-C) and SIGTERM end it, with 0.

Examples:
  whereabouts watch
  whereabouts watch | tee lan.log
    2026-01-31T12:00:00+01:00  +  NODE-A  192.168.0.34:22000
    2026-01-31T12:04:30+01:00  ~  NODE-A  192.168.0.34:22000 -> 192.168.0.35:22000
  whereabouts watch --json
    {"type":"node","nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","ip":"192.168.0.34","port":22000,"seenAt":1769857200000}
"type" is node, moved or gone; "nodeId" is null where the bytes of a NodeID are no printable text; "seenAt", the time of
the last announcement, is in milliseconds since 1970.`;

/** How long a change stands out in the table. */
const MARKED_MS = 5_000;
/** The least time between two drawings: a LAN where much happens is drawn no more often than an eye can follow. */
const REDRAW_MS = 100;

export function watchCommand(): Command {
  return new Command("watch")
    .description("Watch the LAN: a live table of its nodes, or a line for each change.")
    .addOption(flag("--json", "a JSON object for each change"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(watch);
}

async function watch(_flags: unknown, command: Command): Promise<void> {
  const json = isOn(command, "json");
  const stop = untilSignal();
  await using discoverer = await startDiscoverer({ lan: true }, command);
  const table = process.stdout.isTTY && Bun.env.TERM !== "dumb" && !json;
  try {
    if (table) await showTable(discoverer, stop);
    else await printEvents(discoverer, json, stop);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    command.error(`error: ${error.message}`, { exitCode: 1 });
  }
}

/** Until `stop`, or nobody reads it any more. */
async function printEvents(discoverer: Discoverer, json: boolean, stop: Promise<unknown>): Promise<void> {
  discoverer.on("error", (error) => complain(`whereabouts: error: ${visible(error.message)}`));
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

/** Changes as lines: a node that moved is printed with the address that it had before. */
export class EventLines {
  readonly #style: Style;
  readonly #addresses = new Map<string, string>();

  constructor(style: Style) {
    this.#style = style;
  }

  line(event: LanEvent, now: number): string {
    const { bold, dim, red, green, yellow } = this.#style;
    const key = event.nodeId.toHex();
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

/** Until `stop`, or the terminal is gone. The last table stays when the command ends. */
async function showTable(discoverer: Discoverer, stop: Promise<unknown>): Promise<void> {
  const style = styleFor(process.stdout);
  const marks = new Map<string, Mark>();
  let error: View["error"];
  const render = (size: Size) => renderTable(discoverer.nodes(), { ...size, now: Date.now(), style, marks, error });
  const screen = new Screen(render);

  let soon: Timer | undefined;
  const changed = () => {
    soon ??= setTimeout(() => {
      soon = undefined;
      screen.draw();
    }, REDRAW_MS);
  };
  const mark = ({ type, nodeId }: LanEvent) => {
    const key = nodeId.toHex();
    if (type === "gone") marks.delete(key);
    else marks.set(key, { type, until: Date.now() + MARKED_MS });
    changed();
  };
  for (const name of ["node", "moved", "gone"] as const) discoverer.on(name, mark);
  discoverer.on("error", ({ message }) => {
    error = { message, at: Date.now() };
    changed();
  });
  const timer = setInterval(() => screen.draw(), 1000);
  screen.open();
  await Promise.race([stop, screen.gone]);
  clearInterval(timer);
  clearTimeout(soon);
  await screen.close();
}
