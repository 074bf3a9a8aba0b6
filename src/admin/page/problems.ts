/** The top of the page: what is wrong now, in words, and what becomes of the connection. */
import type { ProblemReply, ReadyReply, StatsReply } from "../api.ts";
import type { ConnectionState } from "./connection.ts";
import { byId, make, type Row, Rows, setProse, setText } from "./dom.ts";
import { clock, count, counted, duration, visible } from "./format.ts";

const FINE = "Everything is fine.";
/** How often the reason is asked for while the server is not ready. */
const REASON_MS = 5000;

interface Item {
  readonly severity: ProblemReply["severity"];
  readonly text: string;
  /** Since when, in words. */
  readonly since: string;
}

const rows = new Rows<Item>(byId("problems"), problemRow);

function problemRow(): Row<Item> {
  const severity = make("strong");
  const text = make("span", "text");
  const since = make("span", "since");
  const element = make("li", "", severity, " ", text, " ", since);
  return {
    element,
    show(item) {
      element.dataset.severity = item.severity;
      setText(severity, item.severity === "error" ? "Error" : "Warning");
      setProse(text, visible(item.text));
      setText(since, item.since);
    },
  };
}

/** Why the server is not ready. */
let reason: string | null = null;
let askedAt = Number.NEGATIVE_INFINITY;

async function askReason(): Promise<void> {
  if (performance.now() - askedAt < REASON_MS) return;
  askedAt = performance.now();
  try {
    ({ reason } = (await (await fetch("/readyz")).json()) as ReadyReply);
  } catch {
    reason = null;
  }
}

export function showProblems(stats: StatsReply): void {
  const now = Date.parse(stats.at);
  const items: Item[] = stats.problems.map(({ severity, text, since }) => {
    const began = Date.parse(since);
    return { severity, text, since: `for ${duration((now - began) / 1000)}, since ${clock(began, now)}` };
  });
  if (stats.ready) {
    reason = null;
    askedAt = Number.NEGATIVE_INFINITY;
  } else {
    void askReason();
    const text = `the server is not ready${reason === null ? "" : `: ${reason}`}`;
    items.unshift({ severity: "error", text, since: "" });
  }
  rows.show(items);
  const fine = byId("fine");
  fine.hidden = items.length > 0;
  fine.dataset.state = "fine";
  setText(fine, FINE);
  const errors = items.filter(({ severity }) => severity === "error").length;
  document.title = items.length === 0 ? "Whereabouts" : `(${count(items.length)}) Whereabouts`;
  const codes = [stats.ready ? "" : "not-ready", ...stats.problems.map(({ code }) => code)].join();
  const summary = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(items.length > errors ? [counted(items.length - errors, "warning")] : []),
  ];
  announce(codes, items.length === 0 ? FINE : `${summary.join(", ")}. ${items.map(({ text }) => text).join(" ")}`);
}

let announced = "";

/** Tells screen readers, once for each new state: the figures in the texts may change every second. */
function announce(state: string, text: string): void {
  if (state === announced) return;
  announced = state;
  setText(byId("announcer"), visible(text));
}

/** The state of the connection. `lastEvent` is the server's time of the last figures, in ms, if there are any. */
export function showConnection(state: ConnectionState, lastEvent: number | undefined): void {
  document.documentElement.dataset.connection = state.kind;
  const notice = byId("connection");
  notice.dataset.kind = state.kind;
  notice.hidden = state.kind === "live" || state.kind === "connecting";
  if (notice.hidden) return;
  const text = textOf(state, lastEvent);
  setText(notice, text);
  announce(state.kind, text);
  byId("fine").hidden = true;
  document.title = state.kind === "waiting" ? "Waiting: Whereabouts" : "No connection: Whereabouts";
}

function textOf(state: ConnectionState, lastEvent: number | undefined): string {
  const what = "text" in state ? visible(state.text) : "the connection to the server is lost";
  const old = lastEvent === undefined ? "" : ` The figures below are those of ${clock(lastEvent, Date.now())}.`;
  return `${what}.${old} This page tries again every two seconds.`;
}
