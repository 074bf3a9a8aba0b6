/** What a server did between two events, per second. */
import type { StatsReply } from "../api.ts";

export interface Rates {
  /** From when to when, in ms since 1970. */
  readonly from: number;
  readonly to: number;
  readonly received: number;
  readonly answered: number;
  /** In the order of `Object.keys(stats.verdicts)`. */
  readonly verdicts: readonly number[];
  /** Requests of Syncthing, in the order of `Object.keys(stats.https.requests)`. */
  readonly requests: readonly number[];
  /** TLS handshakes that succeeded. */
  readonly handshakes: number;
  /** null where the kernel does not report them. */
  readonly kernelDrops: number | null;
  /** Share of one processor that the whole process used: 1.5 if it kept one and a half busy. */
  readonly processors: number;
  /** Per worker, in the order of `stats.perWorker`. */
  readonly workers: readonly WorkerRates[];
}

export interface WorkerRates {
  readonly received: number;
  /** Share of one processor; null where the system does not report it. */
  readonly processor: number | null;
}

/**
 * @returns undefined if there is nothing to compare: no time went by, or the server was started anew in between
 */
export function ratesBetween(before: StatsReply, now: StatsReply): Rates | undefined {
  const [from, to] = [Date.parse(before.at), Date.parse(now.at)];
  // By the monotonic clock: `at` jumps when the system's clock is set.
  const seconds = now.uptime - before.uptime;
  if (seconds <= 0 || now.received < before.received) return undefined;
  const per = (n: number, m: number) => Math.max(0, n - m) / seconds;
  const each = (counters: Readonly<Record<string, number>>, previous: Readonly<Record<string, number>>) =>
    Object.entries(counters).map(([name, count]) => per(count, previous[name] ?? 0));
  return {
    from,
    to,
    received: per(now.received, before.received),
    answered: per(now.verdicts.answered, before.verdicts.answered),
    verdicts: each(now.verdicts, before.verdicts),
    requests: each(now.https.requests, before.https.requests),
    handshakes: per(now.https.handshakes, before.https.handshakes),
    kernelDrops:
      now.kernelDrops === null || before.kernelDrops === null ? null : per(now.kernelDrops, before.kernelDrops),
    processors: per(now.process.cpuSeconds, before.process.cpuSeconds),
    workers: now.perWorker.map((worker, i) => {
      const earlier = before.perWorker[i];
      if (earlier === undefined) return { received: 0, processor: null };
      const [cpu, cpuBefore] = [worker.cpuSeconds, earlier.cpuSeconds];
      return {
        received: per(worker.received, earlier.received),
        processor: cpu === null || cpuBefore === null ? null : per(cpu, cpuBefore),
      };
    }),
  };
}
