/** The history of the server as columns of charts. */
import type { HistoryReply } from "../api.ts";
import { GROUPS, groupOf } from "./verdicts.ts";

export type Column = readonly (number | null)[];

export interface Hour {
  /** End of each interval, in s since 1970. */
  readonly times: readonly number[];
  /** Per group of verdicts, packets a second: the sum of the groups up to it, as they are stacked. */
  readonly stacked: readonly Column[];
  readonly nodes: Column;
  /** Syncthing devices. */
  readonly devices: Column;
  readonly journalLag: Column;
  /** Per minute. */
  readonly kernelDrops: Column;
}

/** The charts show at least so many seconds, even if the server was started only now. */
const LEAST_S = 600;

export function hourOf(history: HistoryReply): Hour {
  const { interval, verdictNames } = history;
  const until = Date.parse(history.until) / 1000;
  // Without the time before the start: else the charts of a young server would be a sliver at the edge.
  const known = history.verdicts.findIndex((counts) => counts !== null);
  const least = history.verdicts.length - Math.ceil(LEAST_S / interval);
  const first = known < 0 ? least : Math.min(known, least);
  const since = <T>(column: readonly T[]) => column.slice(first);
  const [verdicts, nodes, devices] = [since(history.verdicts), since(history.nodes), since(history.devices)];
  const [journalLag, kernelDrops] = [since(history.journalLag), since(history.kernelDrops)];
  const times = verdicts.map((_, i) => until - (verdicts.length - 1 - i) * interval);
  const groups = verdictNames.map(groupOf);
  const stacked = GROUPS.map((_, top) =>
    verdicts.map((counts) =>
      counts === null ? null : counts.reduce((sum, n, i) => (groups[i]! <= top ? sum + n : sum), 0) / interval,
    ),
  );
  const perMinute = kernelDrops.map((n) => (n === null ? null : (n * 60) / interval));
  return { times, stacked, nodes, devices, journalLag, kernelDrops: perMinute };
}
