/** The nodes of the LAN as a table that fits the terminal. */
import stringWidth from "string-width";
import type { LanNode } from "../../client/index.ts";
import { bytesToHex } from "../../codec/index.ts";
import { count, fit, type Style, showAddress, showAge, showNodeId, visible } from "./style.ts";

/** A node that is highlighted for a while, because it is new or has moved. */
export interface Highlight {
  readonly type: "node" | "moved";
  /** In milliseconds since 1970. */
  readonly until: number;
}

export interface View {
  /** The size of the terminal: the most characters per line, and the most lines. */
  readonly columns: number;
  readonly rows: number;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly style: Style;
  /** By NodeID in hex. */
  readonly highlights?: ReadonlyMap<string, Highlight>;
  /** The latest error and its time. It stays after the cause is gone, since nothing reports that. */
  readonly error?: { readonly message: string; readonly at: number } | undefined;
}

const NODE = "NODE";
const ADDRESS = "ADDRESS";
const HEARD = "HEARD";
const GAP = "  ";
/** The least width of the NodeID column, on a terminal that is too narrow. */
const MIN_ID = 4;
/** Lines above the nodes: title, blank line, column heads. */
const HEAD_LINES = 3;

/** The lines of the table, sorted by NodeID. If not all nodes fit, the last line counts the others. */
export function renderTable(nodes: readonly LanNode[], view: View): string[] {
  const { columns, now, error } = view;
  const { bold, dim, red, green, yellow } = view.style;
  const cut = (text: string) => fit(text, columns).trimEnd();
  const head = [bold(cut(`${count(nodes.length, "node")} on the LAN`)), ""];
  const foot = error === undefined ? [] : [red(cut(`${visible(error.message)} (${showAge(now - error.at)})`))];
  if (nodes.length === 0) {
    return [...head, dim(cut("None heard yet. Most nodes answer at once, others within 30 s.")), ...foot].slice(
      0,
      view.rows,
    );
  }

  const room = Math.max(0, view.rows - HEAD_LINES - foot.length);
  const shown = nodes.length <= room ? nodes.length : Math.max(0, room - 1);
  const rows = [...nodes]
    .sort((a, b) => Buffer.compare(a.nodeId, b.nodeId))
    .slice(0, shown)
    .map((node) => ({
      id: showNodeId(node.nodeId),
      address: showAddress(node),
      age: showAge(now - node.seenAt),
      highlight: highlightOf(node, view),
    }));
  const widest = (name: "id" | "address" | "age", title: string) =>
    rows.reduce((width, row) => Math.max(width, stringWidth(row[name])), title.length);
  const address = widest("address", ADDRESS);
  // Ages change every second. A fixed least width keeps the columns in place.
  const age = Math.max(widest("age", HEARD), "59 s ago".length);
  const id = Math.max(MIN_ID, Math.min(widest("id", NODE), columns - address - age - 2 * GAP.length));

  const others = nodes.length - shown;
  return [
    ...head,
    line(columns, [NODE, id, dim], [ADDRESS, address, dim], [HEARD, age, dim]),
    ...rows.map((row) => {
      const paint = row.highlight === undefined ? plain : row.highlight === "node" ? green : yellow;
      return line(columns, [row.id, id, plain], [row.address, address, paint], [row.age, age, dim]);
    }),
    ...(others > 0 ? [dim(cut(`and ${others} more`))] : []),
    ...foot,
  ].slice(0, view.rows);
}

function highlightOf(node: LanNode, { highlights, now }: View): Highlight["type"] | undefined {
  const highlight = highlights?.get(bytesToHex(node.nodeId));
  return highlight !== undefined && now < highlight.until ? highlight.type : undefined;
}

type Cell = readonly [text: string, width: number, paint: (text: string) => string];

const plain = (text: string) => text;

/** Cells side by side, cut at the width of the terminal. */
function line(columns: number, ...cells: readonly Cell[]): string {
  const parts: string[] = [];
  let left = columns;
  for (const [text, width, paint] of cells) {
    if (left > 0) parts.push(paint(fit(text, Math.min(width, left))));
    left -= width + GAP.length;
  }
  return parts.join(GAP);
}
