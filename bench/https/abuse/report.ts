/** The figures of `bench:https --abuse`: a table and targets. */
import { aligned } from "../../aligned.ts";
import { quantile } from "../../statistics.ts";
import type { Service } from "./honest.ts";
import type { AbuseRow } from "./run.ts";

export interface AbuseTarget {
  readonly text: string;
  /** As it is printed. */
  readonly figure: string;
  readonly reached: boolean;
}

/** A UDP query counts as answered if its reply takes no longer. */
const UDP_MS = 100;
const LEAST_SHARE = 0.99;
/** The most memory that an attack may cost, beside what the server had before, in bytes. */
const MAX_GROWTH = 256e6;

/** The share of look-ups that were answered within `limit` ms. */
function share({ asked, ms }: Service, limit = Number.POSITIVE_INFINITY): number {
  return ms.filter((each) => each <= limit).length / asked;
}

const percent = (fraction: number) => `${(fraction * 100).toFixed(1)} %`;
const megabytes = (bytes: number) => (Number.isNaN(bytes) ? "-" : `${Math.round(bytes / 1e6)}`);
const milliseconds = (ms: readonly number[], q: number) => (ms.length === 0 ? "-" : quantile(ms, q).toFixed(1));

export function abuseTable(rows: readonly AbuseRow[]): string {
  const heads = ["", "UDP", "ms 99 %", "HTTPS", "ms", "ms 99 %", "MB before", "peak", "after", "open", "ended", "sent"];
  const lines = rows.map(({ attack, honest: { udp, https }, attacker, memory }) => [
    attack.name,
    udp === undefined ? "" : percent(share(udp, UDP_MS)),
    udp === undefined ? "" : milliseconds(udp.ms, 0.99),
    percent(share(https)),
    milliseconds(https.ms, 0.5),
    milliseconds(https.ms, 0.99),
    megabytes(memory.before),
    megabytes(memory.peak),
    megabytes(memory.after),
    `${attacker?.open ?? ""}`,
    `${attacker?.ended ?? ""}`,
    attacker === undefined || attacker.sent === 0 ? "" : `${attacker.sent}`,
  ]);
  return aligned([heads, ...lines], (column) => column === 0);
}

export const ABUSE_LEGEND = `UDP: honest queries answered within ${UDP_MS} ms. HTTPS: honest look-ups answered, each over a connection of its own.
open, ended, sent: the attacker's connections at the end, those that ended, its requests, resets or handshakes.`;

export function abuseTargets(rows: readonly AbuseRow[]): AbuseTarget[] {
  return rows.flatMap(({ attack: { name }, honest: { udp, https }, memory, alive }) => {
    const target = (what: string, figure: string, reached: boolean) => ({ text: `${name}: ${what}`, figure, reached });
    const growth = memory.peak - memory.before;
    return [
      ...(udp === undefined
        ? []
        : [
            target(
              `UDP queries answered within ${UDP_MS} ms`,
              `${percent(share(udp, UDP_MS))} (at least ${percent(LEAST_SHARE)})`,
              share(udp, UDP_MS) >= LEAST_SHARE,
            ),
          ]),
      target(
        "HTTPS look-ups answered",
        `${percent(share(https))} (at least ${percent(LEAST_SHARE)})`,
        share(https) >= LEAST_SHARE,
      ),
      alive
        ? target("MB more at the peak", `${megabytes(growth)} (at most ${megabytes(MAX_GROWTH)})`, growth <= MAX_GROWTH)
        : target("the server still runs", "no", false),
    ];
  });
}

export function abuseTargetLine({ text, figure, reached }: AbuseTarget): string {
  return `${reached ? "reached    " : "not reached"}  ${text}: ${figure}`;
}
