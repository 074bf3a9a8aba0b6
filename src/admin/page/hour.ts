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
  readonly journalLag: Column;
  /** Per minute. */
  readonly kernelDrops: Column;
}

export function hourOf(history: HistoryReply): Hour {
  const { interval, verdicts, verdictNames, nodes, journalLag, kernelDrops } = history;
  const until = Date.parse(history.until) / 1000;
  const times = verdicts.map((_, i) => until - (verdicts.length - 1 - i) * interval);
  const groups = verdictNames.map(groupOf);
  const stacked = GROUPS.map((_, top) =>
    verdicts.map((counts) =>
      counts === null ? null : counts.reduce((sum, n, i) => (groups[i]! <= top ? sum + n : sum), 0) / interval,
    ),
  );
  const perMinute = kernelDrops.map((n) => (n === null ? null : (n * 60) / interval));
  return { times, stacked, nodes, journalLag, kernelDrops: perMinute };
}
