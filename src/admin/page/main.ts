/** The live page of the admin server. It follows the server's events and paints at most once for each. */
import type { HistoryReply, StatsEvent, StatsReply } from "../api.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { byId } from "./dom.ts";
import { recolorGauges, showGaugeHistory, showGauges } from "./gauges.ts";
import { showFooter, showHeader, showHeaderState } from "./header.ts";
import { type Hour, hourOf } from "./hour.ts";
import { showLimited } from "./limited.ts";
import { Live } from "./live.ts";
import { startLookup } from "./lookup.ts";
import { showConnection, showProblems } from "./problems.ts";
import { type Rates, ratesBetween } from "./rates.ts";
import { recolorSyncthing, showDeviceHistory, showSyncthing } from "./syncthing.ts";
import { startTheme } from "./theme.ts";
import { recolorTraffic, showOutcomes, showTraffic } from "./traffic.ts";
import { showWorkers } from "./workers.ts";

/** The chart of each second shows five minutes. */
const LIVE_S = 300;
/** How often the history is fetched: as often as the server adds an interval to it. */
const HISTORY_MS = 10_000;

const live = new Live(LIVE_S);
let latest: StatsEvent | undefined;
let rates: Rates | undefined;
/** The last hour, from when it was fetched until it is painted. */
let hour: Hour | undefined;
let painting = false;
let historyAt = Number.NEGATIVE_INFINITY;

function onEvent(event: StatsEvent): void {
  const before = latest?.stats;
  latest = event;
  rates = before && ratesBetween(before, event.stats);
  if (rates) live.add(rates);
  // The server makes one event for all its streams, so the second event of a new stream may be the first one again.
  else if (event.stats.uptime !== before?.uptime) live.clear();
  if (performance.now() - historyAt >= HISTORY_MS) void fetchHistory(event.stats);
  paintSoon();
}

function onState(state: ConnectionState): void {
  showConnection(state, latest && Date.parse(latest.stats.at));
  showHeaderState(state);
  // Fetch the history again after a lost connection: it has the missing time.
  if (state.kind !== "live") historyAt = Number.NEGATIVE_INFINITY;
}

async function fetchHistory(stats: StatsReply): Promise<void> {
  historyAt = performance.now();
  try {
    const response = await fetch("/api/history");
    if (!response.ok) return;
    const history = (await response.json()) as HistoryReply;
    live.fill(history, stats);
    hour = hourOf(history);
    paintSoon();
  } catch {
    // The connection is lost, and the stream of events says so.
  }
}

function paintSoon(): void {
  if (painting) return;
  painting = true;
  requestAnimationFrame(() => {
    painting = false;
    paint();
  });
}

function paint(): void {
  if (latest === undefined) return;
  const { stats, limited } = latest;
  byId("figures").removeAttribute("data-empty");
  showProblems(stats);
  showHeader(stats);
  showTraffic(stats, rates, live);
  showGauges(stats, rates);
  showSyncthing(stats, rates);
  showLimited(stats, limited);
  showWorkers(stats, rates);
  showFooter(stats, rates);
  if (hour === undefined) return;
  showOutcomes(hour);
  showGaugeHistory(hour);
  showDeviceHistory(hour);
  hour = undefined;
}

startTheme(() => {
  recolorTraffic();
  recolorGauges();
  recolorSyncthing();
});
startLookup();

const connection = new Connection(onEvent, onState);
// A page that nobody sees costs nothing. When it is shown again, the history has what it missed.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) connection.close();
  else connection.open();
  historyAt = Number.NEGATIVE_INFINITY;
});
if (!document.hidden) connection.open();
