/** Header and footer: which server this is. */
import type { StatsReply } from "../api.ts";
import { transportText } from "../transport-text.ts";
import type { ConnectionState } from "./connection.ts";
import { byId, setText } from "./dom.ts";
import { bytes, duration, percent } from "./format.ts";
import type { Rates } from "./rates.ts";

export function showHeader(stats: StatsReply): void {
  setText(byId("version"), stats.version);
  setText(byId("listening"), stats.listening.join(" "));
  setText(byId("uptime"), duration(stats.uptime));
  showPill(stats.ready ? "ready" : "not ready", stats.ready ? "ready" : "failed");
}

export function showHeaderState({ kind }: ConnectionState): void {
  if (kind === "lost" || kind === "refused") showPill("no connection", "failed");
  if (kind === "waiting") showPill("waiting", "waiting");
}

function showPill(text: string, state: "ready" | "failed" | "waiting"): void {
  const pill = byId("ready");
  pill.dataset.state = state;
  setText(pill, text);
}

export function showFooter(stats: StatsReply, rates: Rates | undefined): void {
  const engine = [...new Set(stats.perWorker.map((worker) => worker.engine))].join(" and ");
  const load = rates === undefined ? "" : `, ${percent(rates.processors)} of a processor`;
  const memory = `${bytes(stats.process.residentBytes)} of memory`;
  const transport = transportText(stats.transport, stats.xdp);
  setText(byId("process"), `Engine ${engine}, transport ${transport}. The whole process: ${memory}${load}.`);
}
