/** Limits that stop packets, or would stop them in a dry run. */

import { count } from "../../../log/count.ts";
import type { Limited } from "../../inspect.ts";
import { RECENT, Spell } from "../spell.ts";
import type { Rule, Sample } from "./rule.ts";

/** A few packets above a limit are nothing to report. */
const THRESHOLD = 10;
const FLAGS = {
  "limited-source": "--source-rate",
  "limited-node": "--node-rate",
  "limited-new": "--new-rate",
} as const;
const VERDICTS = Object.keys(FLAGS) as (keyof typeof FLAGS)[];

export function limits(): Rule {
  const all = new Spell(THRESHOLD);
  const spells = VERDICTS.map((verdict) => ({ verdict, spell: new Spell(1) }));
  /** The counters in the ten seconds before it began. */
  let before: Stopped[] = [{ "limited-source": 0, "limited-node": 0, "limited-new": 0 }];
  return {
    code: "limits",
    look(sample) {
      const counters = stopped(sample);
      if (!all.active) before = [...before, counters].slice(-RECENT - 1);
      all.look(VERDICTS.reduce((sum, verdict) => sum + counters[verdict], 0));
      for (const { verdict, spell } of spells) spell.look(counters[verdict]);
      if (!all.active) return undefined;
      const rates = spells
        .filter(({ spell }) => spell.active)
        .map(({ verdict, spell }) => [spell.rate, verdict] as const);
      const most = sample.mostLimited();
      const from = most === undefined ? "" : ` (most of ${nameOf(most)})`;
      const what = sample.dryRun ? "limits would stop packets if this were no dry run" : "limits stop packets";
      return {
        severity: "warning",
        text: `${what}: ${byFlag(rates)}${from}; if these are no attackers, raise the limit or exempt their networks with --allow`,
      };
    },
    over(sample) {
      const counters = stopped(sample);
      const totals = VERDICTS.map((verdict) => [counters[verdict] - before[0]![verdict], verdict] as const);
      const total = totals.reduce((n, [count]) => n + count, 0);
      const what = sample.dryRun ? "limits would no longer stop packets" : "limits no longer stop packets";
      return `${what}: ${count(total, "packet")} in all, ${byFlag(totals.filter(([count]) => count > 0))}`;
    },
  };
}

type Stopped = Readonly<Record<keyof typeof FLAGS, number>>;

function byFlag(numbers: readonly (readonly [string | number, keyof typeof FLAGS])[]): string {
  return numbers.map(([number, verdict]) => `${number} by ${FLAGS[verdict]}`).join(", ");
}

function stopped({ dryRun, counters }: Sample): Stopped {
  return dryRun ? counters.dryRun : counters.verdicts;
}

/** A NodeID is made of bytes of strangers, so only harmless ones are shown as text. */
function nameOf({ kind, network, nodeId }: Limited): string {
  if (kind !== "node" && network !== undefined) return network;
  const text = Buffer.from(nodeId ?? []).toString("latin1");
  return `NodeID ${/^[\w.:-]+$/.test(text) ? text : `hex:${Buffer.from(nodeId ?? []).toString("hex")}`}`;
}
