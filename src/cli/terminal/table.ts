/** A table of the nodes or devices on the LAN, cut to fit the terminal. */
import stringWidth from "string-width";
import { count } from "../../log/count.ts";
import { fit } from "./columns.ts";
import { type Style, showAge, visible } from "./style.ts";

/** One node or device. */
export interface Row {
  /** Unique, and what the rows are sorted by. */
  readonly key: string;
  readonly id: string;
  /** At least one; each gets a line of its own. */
  readonly addresses: readonly string[];
  /** In milliseconds since 1970. */
  readonly seenAt: number;
}

/** Whether the rows are nodes or devices. */
export interface RowKind {
  /** `node` or `device`. */
  readonly noun: string;
  /** The least width of the ID column, on a terminal that is too narrow. */
  readonly leastId: number;
  /** Shown while there are no rows. */
  readonly none: string;
}

/** A row that is highlighted for a while, because it is new or has moved. */
export interface Highlight {
  readonly type: "new" | "moved";
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
  /** By the rows' keys. */
  readonly highlights?: ReadonlyMap<string, Highlight>;
  /** The latest error and its time. It stays after the cause is gone, since nothing reports that. */
  readonly error?: { readonly message: string; readonly at: number } | undefined;
}

const ADDRESS = "ADDRESS";
const HEARD = "HEARD";
const GAP = "  ";
/** Addresses of this width are not cut for the sake of IDs: that of the longest URL with an IP, quic://[2001:db8:…]:22000. */
const WHOLE_ADDRESS = 54;
/** Addresses of this width are not even cut if nothing else fits. */
const LEAST_ADDRESS = 40;
/** Lines above the rows: title, blank line, column heads. */
const HEAD_LINES = 3;

/** The lines of the table, sorted. If not all rows fit, the last line counts the others. */
export function renderTable(rows: readonly Row[], kind: RowKind, view: View): string[] {
  const { columns, now, error } = view;
  const { bold, dim, red, green, yellow } = view.style;
  const cut = (text: string) => fit(text, columns).trimEnd();
  const head = [bold(cut(`${count(rows.length, kind.noun)} on the LAN`)), ""];
  const foot = error === undefined ? [] : [red(cut(`${visible(error.message)} (${showAge(now - error.at)})`))];
  if (rows.length === 0) return [...head, dim(cut(kind.none)), ...foot].slice(0, view.rows);

  const room = Math.max(0, view.rows - HEAD_LINES - foot.length);
  // No more than fit, plus one that tells whether there are more.
  const all = [...rows]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, room + 1)
    .flatMap((row) => linesOf(row, view));
  const shown = all.length <= room ? all : all.slice(0, Math.max(0, room - 1));
  const widest = (name: "id" | "address" | "age", title: string) =>
    shown.reduce((width, line) => Math.max(width, stringWidth(line[name])), title.length);
  // Ages change every second. A fixed least width keeps the columns in place.
  const age = Math.max(widest("age", HEARD), "59 s ago".length);
  const title = kind.noun.toUpperCase();
  const longestId = widest("id", title);
  // For IDs and addresses together.
  const both = columns - age - 2 * GAP.length;
  const address = Math.min(
    widest("address", ADDRESS),
    Math.max(LEAST_ADDRESS, Math.min(WHOLE_ADDRESS, both - kind.leastId), both - longestId),
  );
  const id = Math.max(kind.leastId, Math.min(longestId, both - address));

  return [
    ...head,
    line(columns, [title, id, dim], [ADDRESS, address, dim], [HEARD, age, dim]),
    ...shown.map((one) => {
      const paint = one.highlight === undefined ? plain : one.highlight === "new" ? green : yellow;
      return line(columns, [one.id, id, plain], [one.address, address, paint], [one.age, age, dim]);
    }),
    ...(shown.length < all.length ? [dim(cut(more(rows, shown)))] : []),
    ...foot,
  ].slice(0, view.rows);
}

interface RowLine {
  readonly key: string;
  readonly id: string;
  readonly address: string;
  readonly age: string;
  readonly highlight: Highlight["type"] | undefined;
}

/** A line for each address of a row. The ID and the age stand in the first. */
function linesOf({ key, id, addresses, seenAt }: Row, { now, highlights }: View): RowLine[] {
  const until = highlights?.get(key);
  const highlight = until !== undefined && now < until.until ? until.type : undefined;
  return addresses.map((address, index) => {
    const first = index === 0;
    return { key, id: first ? id : "", address, age: first ? showAge(now - seenAt) : "", highlight };
  });
}

/** The line that counts omitted rows, or says that the last row lacks some addresses. */
function more(rows: readonly Row[], shown: readonly RowLine[]): string {
  const others = rows.length - new Set(shown.map(({ key }) => key)).size;
  if (others > 0) return `and ${others} more`;
  const addresses = rows.reduce((sum, row) => sum + row.addresses.length, 0);
  return `and ${count(addresses - shown.length, "more address", "more addresses")}`;
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
