/** The metrics of a discovery server. No label contains an IP or a NodeID: there are too many of them. */
import { version } from "../../../package.json";
import {
  type DiscoveryServer,
  type Limited,
  type LimitName,
  PROBLEM_CODES,
  type Problem,
  type ServerStats,
  type WorkerStats,
} from "../../server/index.ts";
import { counter, type Definition, gauge, histogram } from "./metric.ts";

/** One reading, so that the metrics of one scrape add up. */
export interface Reading {
  readonly stats: ServerStats;
  readonly limited: readonly Limited[];
  readonly problems: readonly Problem[];
  readonly ready: boolean;
  readonly options: DiscoveryServer["options"];
}

const KINDS: Readonly<Record<Limited["kind"], readonly LimitName[]>> = {
  source: ["queries", "announcements", "new", "node"],
  network: ["queries", "announcements", "new", "node"],
  node: ["node"],
};

const NAME = "whereabouts";
const XDP_MODES = ["native", "generic"] as const;

export const SERVER_METRICS: readonly Definition<Reading>[] = [
  counter(
    `${NAME}_received_total`,
    "Datagrams processed: the sum of whereabouts_packets_total.",
    ({ stats }) => stats.received,
  ),
  counter(`${NAME}_packets_total`, "Datagrams by verdict.", ({ stats }) => byName("verdict", stats.verdicts)),
  counter(
    `${NAME}_dry_run_total`,
    "Datagrams that passed only because of --limit-dry-run, by the limit that they exceeded.",
    ({ stats }) => byName("limit", stats.dryRun),
  ),
  counter(
    `${NAME}_displaced_total`,
    "Nodes announced only once that gave way to new ones, because the registry was full.",
    ({ stats }) => stats.displaced,
  ),
  counter(`${NAME}_replies_unsent_total`, "Replies that the kernel refused to send.", ({ stats }) => stats.unsent),
  counter(`${NAME}_socket_errors_total`, "Errors that the sockets reported.", ({ stats }) => stats.socketErrors),
  counter(
    `${NAME}_kernel_drops_total`,
    "Datagrams that the kernel dropped because a receive buffer, or a queue of the transport xdp, was full.",
    ({ stats }) => stats.kernelDrops,
  ),
  gauge(
    `${NAME}_xdp_attached`,
    "1 if the program of the transport xdp is attached in this mode, else 0.",
    ({ stats }) =>
      stats.xdp &&
      XDP_MODES.map((mode) => [{ interface: stats.xdp!.interface, mode }, Number(stats.xdp!.mode === mode)]),
  ),
  gauge(`${NAME}_xdp_queues`, "Queues of the interface of the transport xdp.", ({ stats }) => stats.xdp?.queues),
  gauge(
    `${NAME}_xdp_queues_served`,
    "Queues whose packets go round the kernel's network stack.",
    ({ stats }) => stats.xdp?.served,
  ),
  counter(
    `${NAME}_xdp_received_total`,
    "Frames that went round the kernel's network stack.",
    ({ stats }) => stats.xdp?.received,
  ),
  counter(`${NAME}_xdp_sent_total`, "Replies that were sent that way.", ({ stats }) => stats.xdp?.sent),
  counter(
    `${NAME}_xdp_damaged_total`,
    "Frames that were cut off or had a wrong checksum, and were not handled.",
    ({ stats }) => stats.xdp?.damaged,
  ),
  counter(
    `${NAME}_xdp_dropped_total`,
    "Frames that the kernel dropped because a queue was full; whereabouts_kernel_drops_total has them, too.",
    ({ stats }) => stats.xdp?.dropped,
  ),
  gauge(
    `${NAME}_receive_queue_bytes`,
    "Datagrams that wait in receive buffers, in bytes.",
    ({ stats }) => stats.receiveQueue,
  ),
  histogram(`${NAME}_batch_packets`, "Numbers of datagrams that were processed at once.", ({ stats }) => stats.batches),

  gauge(`${NAME}_registry_nodes`, "Nodes in the registry.", ({ stats }) => stats.nodes),
  gauge(`${NAME}_registry_capacity`, "The most nodes that are stored.", ({ stats }) => stats.capacity),

  gauge(`${NAME}_limiter_slots`, "Places for keys in a table of the limiter.", (reading) => tables(reading, "slots")),
  gauge(`${NAME}_limiter_slots_used`, "Places of keys that have less than a full burst.", (reading) =>
    tables(reading, "used"),
  ),
  gauge(
    `${NAME}_limiter_sets_crowded`,
    "Parts of a table, five places each, in which every place is in use.",
    (reading) => tables(reading, "crowded"),
  ),
  gauge(
    `${NAME}_limited_keys`,
    "Sources, networks and NodeIDs that a limit stops now; at most 100 in all.",
    ({ limited }) =>
      Object.entries(KINDS).flatMap(([kind, limits]) =>
        limits.map((limit) => {
          const keys = limited.filter((key) => key.kind === kind && key.limit === limit);
          return [{ kind, limit }, keys.length] as const;
        }),
      ),
  ),

  gauge(
    `${NAME}_journal_lag_seconds`,
    "The longest that an announcement may have waited to be appended to the journal.",
    ({ stats }) => stats.journal.lag,
  ),
  counter(
    `${NAME}_journal_appended_total`,
    "Announcements appended to the journal.",
    ({ stats }) => stats.journal.appended,
  ),
  counter(
    `${NAME}_journal_merged_total`,
    "Announcements read from the journal that were newer than what the server knew.",
    ({ stats }) => stats.journal.merged,
  ),
  counter(
    `${NAME}_journal_no_room_total`,
    "Announcements in the journal that were dropped: the registry was full, or their NodeIDs were too long.",
    ({ stats }) => stats.journal.noRoom,
  ),
  counter(
    `${NAME}_journal_ahead_total`,
    "Announcements in the journal from further in the future than clocks may differ.",
    ({ stats }) => stats.journal.ahead,
  ),
  counter(`${NAME}_journal_bad_batches_total`, "Invalid batches in the journal.", ({ stats }) => stats.journal.bad),
  counter(
    `${NAME}_journal_errors_total`,
    "Lost connections, failed appends and lost contents of the journal.",
    ({ stats }) => stats.journal.errors,
  ),
  histogram(
    `${NAME}_journal_append_seconds`,
    "How long appends to the journal took.",
    ({ stats }) => stats.journal.appends,
  ),

  counter(
    `${NAME}_worker_packets_total`,
    "Datagrams processed by a worker; the sum is whereabouts_received_total.",
    (reading) => workers(reading, ({ received }) => received),
  ),
  counter(
    `${NAME}_worker_heartbeats_total`,
    "Heartbeats of a worker: several a second, with and without traffic.",
    (reading) => workers(reading, ({ heartbeats }) => heartbeats),
  ),
  counter(`${NAME}_worker_cpu_seconds_total`, "Processor time of a worker's threads.", (reading) =>
    workers(reading, ({ cpuSeconds }) => cpuSeconds),
  ),
  counter(`${NAME}_worker_replaced_total`, "How often a worker crashed or hung, and was replaced.", (reading) =>
    workers(reading, ({ replaced }) => replaced),
  ),
  gauge(`${NAME}_worker_running`, "1 if a worker handles packets, else 0.", (reading) =>
    workers(reading, ({ running }) => Number(running)),
  ),
  counter(
    `${NAME}_workers_replaced_total`,
    "Workers that crashed or hung, and were replaced.",
    ({ stats }) => stats.replaced,
  ),

  gauge(
    `${NAME}_https_devices`,
    "Syncthing devices that announced themselves over HTTPS, to this server or to another one with the same journal.",
    ({ stats }) => stats.https.devices,
  ),
  gauge(`${NAME}_https_addresses`, "Addresses of all these devices.", ({ stats }) => stats.https.addresses),
  gauge(`${NAME}_https_capacity`, "The most devices that are stored.", ({ stats }) => stats.https.capacity),
  counter(
    `${NAME}_https_displaced_total`,
    "Devices announced only once that gave way to new ones, because the table was full.",
    ({ stats }) => stats.https.displaced,
  ),
  counter(`${NAME}_https_requests_total`, "Requests over HTTPS and HTTP, by result.", ({ stats }) =>
    byName("result", stats.https.requests),
  ),
  counter(`${NAME}_https_handshakes_total`, "TLS handshakes, by result.", ({ stats }) =>
    byName("result", { done: stats.https.handshakes, failed: stats.https.failedHandshakes }),
  ),
  gauge(`${NAME}_https_connections`, "Connections that are open.", ({ stats }) => stats.https.connections),
  counter(
    `${NAME}_https_connections_closed_total`,
    "Connections that the server closed: they were slow or idle, there were too many, or because of what they sent.",
    ({
      stats: {
        https: { slow, idle, crowded, invalid },
      },
    }) => byName("reason", { slow, idle, crowded, invalid }),
  ),
  gauge(
    `${NAME}_https_threads`,
    "Threads that answer requests over HTTPS and HTTP.",
    ({ stats }) => stats.https.threads,
  ),
  counter(
    `${NAME}_https_threads_replaced_total`,
    "Threads for requests that failed, and were replaced.",
    ({ stats }) => stats.https.replaced,
  ),

  gauge(`${NAME}_problem`, "1 while something is wrong, by its code, else 0.", ({ problems }) =>
    PROBLEM_CODES.map((code) => [{ code }, Number(problems.some((problem) => problem.code === code))]),
  ),
  gauge(`${NAME}_ready`, "1 if the last check found the server ready, else 0.", ({ ready }) => Number(ready)),
  gauge(`${NAME}_build_info`, "Always 1; the labels tell what runs.", ({ options: { engine, transport } }) => [
    [{ version, bun: Bun.version, engine: [engine].flat().join("+"), transport }, 1],
  ]),
];

function byName(label: string, counts: Readonly<Record<string, number>>) {
  return Object.entries(counts).map(([name, count]) => [{ [label]: name }, count] as const);
}

function tables({ stats }: Reading, value: "slots" | "used" | "crowded") {
  return stats.limiter.map(({ limit, key, ...table }) => [{ limit, key }, table[value]] as const);
}

function workers({ stats }: Reading, read: (worker: WorkerStats) => number | undefined) {
  return stats.perWorker.flatMap((worker) => {
    const value = read(worker);
    return value === undefined ? [] : [[{ worker: worker.number }, value] as const];
  });
}
