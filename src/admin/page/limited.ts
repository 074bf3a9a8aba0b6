/** Which sources, networks and NodeIDs a limit stops now. */
import type { LimitedKey, StatsReply } from "../api.ts";
import { byId, make, type Row, Rows, setProse, setText } from "./dom.ts";
import { clock, count, counted, duration, nodeId, rate } from "./format.ts";

const LIMITS: Readonly<Record<LimitedKey["limit"], string>> = {
  queries: "queries",
  announcements: "announcements",
  new: "new nodes",
  node: "queries for one NodeID",
};

interface Item {
  readonly key: LimitedKey;
  /** Time of the server, in ms. */
  readonly now: number;
}

/** The heads of the columns. On a narrow screen each cell shows its own. */
const labels = Array.from(byId("limited").querySelectorAll("thead th"), (head) => head.textContent);

const rows = new Rows<Item>(byId("limited-rows"), () => {
  const [kind, name, asked] = [make("span", "kind"), make("b", "name"), make("span", "asked")];
  const head = make("th", "", kind, " ", name, " ", asked);
  head.setAttribute("scope", "row");
  const [limit, dry] = [make("span"), make("span", "pill", "only counted")];
  const flag = make("code");
  const stopped = make("td", "number");
  const since = make("td", "number");
  const cells = [head, make("td", "", limit, " ", dry), make("td", "", flag), stopped, since];
  for (const [i, cell] of cells.entries()) cell.dataset.label = labels[i]!;
  return {
    element: make("tr", "", ...cells),
    show({ key, now }) {
      setText(kind, key.kind === "node" ? "NodeID" : key.kind);
      setText(name, key.network ?? (key.nodeId === null ? "" : nodeId(key.nodeId)));
      setText(asked, key.network !== null && key.nodeId !== null ? `asks for ${nodeId(key.nodeId)}` : "");
      setText(limit, LIMITS[key.limit] ?? key.limit);
      dry.hidden = !key.dryRun;
      setText(flag, key.flag);
      setText(stopped, count(key.stopped));
      const began = Date.parse(key.since);
      setText(since, duration((now - began) / 1000));
      since.title = `since ${clock(began, now)}`;
    },
  } satisfies Row<Item>;
});

export function showLimited(stats: StatsReply, limited: readonly LimitedKey[]): void {
  const now = Date.parse(stats.at);
  rows.show(limited.map((key) => ({ key, now })));
  byId("nobody").hidden = limited.length > 0;
  byId("limited").hidden = limited.length === 0;
  const perSecond = limited.reduce((sum, { rate }) => sum + rate, 0);
  setText(
    byId("limited-count"),
    limited.length === 0 ? "" : `${count(limited.length)} over a limit, with ${rate(perSecond)} packets a second`,
  );
  setProse(byId("limits"), settings(stats.limits));
}

/** The limits that are in force, in words. */
function settings(limits: StatsReply["limits"]): string {
  const of = (perSecond: number, burst: number, one: string, many: string, flag: string) =>
    perSecond === 0
      ? `${many} without limit (${flag})`
      : `${counted(perSecond, one, many)} a second, ${count(burst)} at once (${flag})`;
  const text = [
    of(limits.sourceRate, limits.sourceBurst, "packet", "packets", "--source-rate"),
    of(limits.newRate, limits.newBurst, "new node", "new nodes", "--new-rate"),
  ].join("; ");
  const node = of(limits.nodeRate, limits.nodeBurst, "query", "queries", "--node-rate");
  const dry = limits.dryRun ? " Dry run: packets over a limit are only counted." : "";
  return `A source: ${text}. A NodeID: ${node}.${dry}`;
}
