/** The nodes of the LAN as a table of a given size. */
import type { LanNode } from "../../client/index.ts";
import { fit, type Style, showAddress, showAge, showNodeId, visible } from "./style.ts";

/** A node that stands out for a while: it is new, or has moved. */
export interface Mark {
  readonly type: "node" | "moved";
  /** In milliseconds since 1970. */
  readonly until: number;
}

export interface View {
  /** Size of the terminal; no line is longer, and there are not more of them. */
  readonly columns: number;
  readonly rows: number;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly style: Style;
  /** By NodeID in hex. */
  readonly marks?: ReadonlyMap<string, Mark>;
  /** What went wrong last, and when: that it has been put right is not said. */
  readonly error?: { readonly message: string; readonly at: number } | undefined;
}

const NODE = "NODE";
const ADDRESS = "ADDRESS";
const HEARD = "HEARD";
const GAP = "  ";
/** Columns that a NodeID keeps however narrow the terminal is. */
const LEAST_ID = 4;
/** Lines that are no nodes: title, blank line, heads. */
const FRAME = 3;

/** Lines of the table, sorted by NodeID: those that there is room for, and a line that counts the others. */
export function renderTable(nodes: readonly LanNode[], view: View): string[] {
  const { columns, now, error } = view;
  const { bold, dim, red, green, yellow } = view.style;
  const cut = (text: string) => fit(text, columns).trimEnd();
  const head = [bold(cut(`${nodes.length === 1 ? "1 node" : `${nodes.length} nodes`} on the LAN`)), ""];
  const foot = error === undefined ? [] : [red(cut(`${visible(error.message)} (${showAge(now - error.at)})`))];
  if (nodes.length === 0) {
    return [...head, dim(cut("None heard yet. Nodes announce themselves every 30 s.")), ...foot].slice(0, view.rows);
  }

  const room = Math.max(0, view.rows - FRAME - foot.length);
  const shown = nodes.length <= room ? nodes.length : Math.max(0, room - 1);
  const rows = [...nodes]
    .sort((a, b) => Buffer.compare(a.nodeId, b.nodeId))
    .slice(0, shown)
    .map((node) => ({
      id: showNodeId(node.nodeId),
      address: showAddress(node),
      age: showAge(now - node.seenAt),
      mark: markOf(node, view),
    }));
  const widest = (name: "id" | "address" | "age", title: string) =>
    rows.reduce((width, row) => Math.max(width, Bun.stringWidth(row[name])), title.length);
  const address = widest("address", ADDRESS);
  // Ages change every second, and the columns are to stay where they are.
  const age = Math.max(widest("age", HEARD), "59 s ago".length);
  const id = Math.max(LEAST_ID, Math.min(widest("id", NODE), columns - address - age - 2 * GAP.length));

  const others = nodes.length - shown;
  return [
    ...head,
    line(columns, [NODE, id, dim], [ADDRESS, address, dim], [HEARD, age, dim]),
    ...rows.map((row) => {
      const paint = row.mark === undefined ? plain : row.mark === "node" ? green : yellow;
      return line(columns, [row.id, id, plain], [row.address, address, paint], [row.age, age, dim]);
    }),
    ...(others > 0 ? [dim(cut(`and ${others} more`))] : []),
    ...foot,
  ].slice(0, view.rows);
}

function markOf(node: LanNode, { marks, now }: View): Mark["type"] | undefined {
  const mark = marks?.get(node.nodeId.toHex());
  return mark !== undefined && now < mark.until ? mark.type : undefined;
}

type Cell = readonly [text: string, width: number, paint: (text: string) => string];

const plain = (text: string) => text;

/** Cells side by side, as far as the width goes. */
function line(columns: number, ...cells: readonly Cell[]): string {
  const parts: string[] = [];
  let left = columns;
  for (const [text, width, paint] of cells) {
    if (left > 0) parts.push(paint(fit(text, Math.min(width, left))));
    left -= width + GAP.length;
  }
  return parts.join(GAP);
}
