/** Syncthing's global discovery: the devices, and the requests by result. Hidden while the server has nothing to do with it. */
import type { StatsReply } from "../api.ts";
import { byId, setProse, setText } from "./dom.ts";
import { count, counted, percent, rate } from "./format.ts";
import { gauge } from "./gauges.ts";
import type { Hour } from "./hour.ts";
import { outcomeRows } from "./outcome-rows.ts";
import type { Rates } from "./rates.ts";
import { REQUEST_GROUPS } from "./requests.ts";

let capacity = Number.POSITIVE_INFINITY;
const devices = gauge("devices", "--announced", (n) => counted(n, "device"), { most: () => capacity });
const rows = outcomeRows(byId("requests"));

export function showSyncthing({ https }: StatsReply, rates: Rates | undefined): void {
  // Devices may also come from the journal, from another server.
  byId("syncthing").hidden = https.threads === 0 && https.devices === 0;
  capacity = https.capacity;
  const results = Object.keys(https.requests);
  const counts = Object.values(https.requests);
  const sum = (numbers: readonly number[], names: readonly string[]) =>
    names.reduce((all, name) => all + (numbers[results.indexOf(name)] ?? 0), 0);
  const perSecond = (...names: string[]) => (rates === undefined ? "–" : rate(sum(rates.requests, names)));

  setText(byId("devices-known"), count(https.devices));
  setText(byId("lookups"), perSecond("found", "not-found"));
  setText(byId("announcements"), perSecond("new", "known"));
  setText(byId("addresses"), count(https.addresses));
  setText(byId("connections"), count(https.connections));
  setText(byId("handshakes"), rates === undefined ? "–" : rate(rates.handshakes));
  rows.show(
    REQUEST_GROUPS.map(({ title: name, meaning, color, results: names }) => ({
      name,
      meaning,
      color,
      total: sum(counts, names),
      rate: rates && sum(rates.requests, names),
    })),
  );
  setProse(byId("syncthing-note"), note(https));
}

function note({ devices, capacity, displaced, threads, failedHandshakes, ...https }: StatsReply["https"]): string {
  const closed = https.slow + https.crowded + https.invalid;
  return [
    `${percent(devices / capacity)} of ${counted(capacity, "device")} (--https-capacity).`,
    ...(displaced > 0 ? [`${counted(displaced, "device")} gave way to new ones.`] : []),
    threads === 0
      ? "They come from the journal: --https is off here."
      : `${counted(failedHandshakes, "handshake")} failed, ${counted(closed, "connection")} closed by the server.`,
  ].join(" ");
}

export function showDeviceHistory({ times, devices: column }: Hour): void {
  devices.show(times, column);
}

export function recolorSyncthing(): void {
  devices.recolor();
}
