/** What `whereabouts server` logs: its start, and its counters once a minute and at the end. */
import { getLogger } from "@logtape/logtape";
import { version } from "../../../package.json";
import { transportText } from "../../admin/transport-text.ts";
import { count } from "../../log/count.ts";
import { escapeLogText } from "../../log/outage-log.ts";
import {
  type DiscoveryServer,
  formatNetwork,
  type HttpsStats,
  type JournalStats,
  type ResolvedServerOptions,
  type ServerStats,
} from "../../server/index.ts";
import { showAddress } from "../terminal/style.ts";

const logger = getLogger(["whereabouts", "server"]);
/** A shorter delay until announcements reach the journal is normal and is not reported. */
export const JOURNAL_LATE_S = 2;

export function logStart(server: DiscoveryServer): void {
  const { host, transport, engine, capacity, maxIdLength, retention } = server.options;
  const { address, addresses, port, receiveBuffer } = server;
  const { workers, xdp, journal: journalStats } = server.stats();
  const { where: journal, restored, devicesRestored, restoreSeconds } = journalStats;
  const where = addresses.map((ip) => showAddress({ ip, port })).join(", ");
  logger.info(
    `whereabouts ${version} listens on udp ${where}: ${engine} engine, ${count(workers, "worker")}, transport ${escapeLogText(transportText(transport, xdp))}, journal ${escapeLogText(journal)}`,
    {
      version,
      host: [host].flat().join(),
      address,
      addresses,
      port,
      engine,
      workers,
      transport,
      ...(xdp && { interface: xdp.interface, mode: xdp.mode, queues: xdp.queues, served: xdp.served }),
      receiveBuffer,
      journal,
    },
  );
  logger.info(
    `stores up to ${capacity} nodes with NodeIDs of up to ${maxIdLength} bytes, each for ${retention} s; ${limits(server.options)}`,
    { capacity, maxIdLength, retention },
  );
  for (const { url, port, deviceId } of [server.https, server.http].filter((address) => address !== undefined)) {
    const behind = deviceId === undefined ? ", behind a proxy" : "";
    logger.info(`serves Syncthing's global discovery on ${url}${behind}`, { url, port, deviceId });
  }
  // A journal that could not be read yet has a warning of its own.
  if (journal !== "memory" && journalStats.read) {
    const devices = devicesRestored === 0 ? "" : ` and ${count(devicesRestored, "device")}`;
    logger.info(`${count(restored, "node")}${devices} restored from the journal in ${restoreSeconds.toFixed(2)} s`, {
      restored,
      devicesRestored,
      restoreSeconds,
    });
  }
}

function limits(o: ResolvedServerOptions): string {
  const text = (name: string, rate: number, burst: number) =>
    rate === 0 ? `${name} none` : `${name} ${rate}/s, ${burst} at once`;
  return [
    text("limits per source", o.sourceRate, o.sourceBurst),
    text("per NodeID", o.nodeRate, o.nodeBurst),
    text("new NodeIDs per source", o.newRate, o.newBurst),
    ...(o.allow.length > 0 ? [`none for ${o.allow.map(formatNetwork).join(", ")}`] : []),
    ...(o.limitDryRun ? ["dry run: limits are counted, not enforced"] : []),
  ].join("; ");
}

/** Counters of the journal since `before`, and by how many seconds it is late. */
function journalCounters(before: JournalStats | undefined, now: JournalStats) {
  const since = (name: "appended" | "merged" | "noRoom" | "ahead" | "bad" | "errors") =>
    now[name] - (before?.[name] ?? 0);
  return {
    journalAppended: since("appended"),
    journalMerged: since("merged"),
    journalNoRoom: since("noRoom"),
    journalAhead: since("ahead"),
    journalBad: since("bad"),
    journalErrors: since("errors"),
    journalLateSeconds: now.lag < JOURNAL_LATE_S ? 0 : Math.round(now.lag),
  };
}

/** Requests of Syncthing since `before`, by result, and the devices; undefined if the server has nothing to do with them. */
function httpsCounters(before: HttpsStats | undefined, now: HttpsStats) {
  const requests = Object.entries(now.requests).flatMap(([result, n]) => {
    const count = n - (before?.requests[result as keyof HttpsStats["requests"]] ?? 0);
    return count === 0 ? [] : [[result, count] as const];
  });
  if (now.threads === 0 && now.devices === 0 && requests.length === 0) return undefined;
  const devicesDisplaced = now.displaced - (before?.displaced ?? 0);
  return { requests: Object.fromEntries(requests), devices: now.devices, devicesDisplaced };
}

/** Logs counters since `before`, or since the start: `stopped by SIGTERM after 8 packets: 4 answered, 4 stored; 1 node, …`. */
export function logStats(title: string, before: ServerStats | undefined, now: ServerStats): void {
  const since = (name: keyof ServerStats["verdicts"]) => now.verdicts[name] - (before?.verdicts[name] ?? 0);
  const verdicts = Object.fromEntries(
    (Object.keys(now.verdicts) as (keyof ServerStats["verdicts"])[]).map((name) => [name, since(name)]),
  );
  const received = now.received - (before?.received ?? 0);
  const unsent = now.unsent - (before?.unsent ?? 0);
  const displaced = now.displaced - (before?.displaced ?? 0);
  const residentMB = Math.round(process.memoryUsage.rss() / 1e6);
  const journal = journalCounters(before?.journal, now.journal);
  const https = httpsCounters(before?.https, now.https);

  const list = (parts: readonly (readonly [number, string])[]) =>
    parts.flatMap(([n, name]) => (n === 0 ? [] : `${n} ${name}`)).join(", ");
  const verdictText = list(Object.entries(verdicts).map(([name, n]) => [n, name]));
  const journalText = list([
    [journal.journalAppended, "appended"],
    [journal.journalMerged, "merged"],
    [journal.journalNoRoom, "without room"],
    [journal.journalAhead, "from the future"],
    [journal.journalBad, "bad batches"],
    [journal.journalErrors, "errors"],
    [journal.journalLateSeconds, "s late"],
  ]);
  const requests = Object.entries(https?.requests ?? {});
  const requestText = list(requests.map(([result, n]) => [n, result]));
  const sum = requests.reduce((all, [, n]) => all + n, 0);
  const parts = [
    `${title} ${count(received, "packet")}${verdictText === "" ? "" : `: ${verdictText}`}`,
    ...(displaced === 0 ? [] : [`${count(displaced, "node")} gave way to new ones`]),
    ...(unsent === 0 ? [] : [`${count(unsent, "reply", "replies")} not sent`]),
    ...(https === undefined
      ? []
      : [`${count(sum, "request")} of Syncthing${requestText === "" ? "" : `: ${requestText}`}`]),
    ...(https === undefined || https.devicesDisplaced === 0
      ? []
      : [`${count(https.devicesDisplaced, "device")} gave way to new ones`]),
    `${count(now.nodes, "node")}${https === undefined ? "" : `, ${count(https.devices, "device")}`}, ${residentMB} MB resident`,
    ...(journalText === "" ? [] : [`journal: ${journalText}`]),
  ];
  logger.info(parts.join("; "), {
    received,
    ...verdicts,
    displaced,
    unsent,
    nodes: now.nodes,
    residentMB,
    ...journal,
    ...https,
  });
}
