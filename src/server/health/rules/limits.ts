/** Limits that stop packets, or would stop them in a dry run. */
import type { Limited } from "../../inspect.ts";
import { Spell } from "../spell.ts";
import { count, type Rule, type Sample } from "./rule.ts";

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
  let dryRun = false;
  const byFlag = (number: (spell: Spell) => string | number) =>
    spells
      .filter(({ spell }) => spell.active)
      .map(({ verdict, spell }) => `${number(spell)} by ${FLAGS[verdict]}`)
      .join(", ");
  return {
    code: "limits",
    look(sample) {
      ({ dryRun } = sample);
      const counters = stopped(sample);
      all.look(VERDICTS.reduce((sum, verdict) => sum + counters[verdict], 0));
      for (const { verdict, spell } of spells) spell.look(counters[verdict]);
      if (!all.active) return undefined;
      const which = byFlag((spell) => spell.rate);
      const most = sample.mostLimited();
      const from = most === undefined ? "" : ` (most of ${nameOf(most)})`;
      const what = dryRun ? "limits would stop packets if this were no dry run" : "limits stop packets";
      return {
        severity: "warning",
        text: `${what}: ${which}${from}; if these are no attackers, raise the limit or exempt their networks with --allow`,
      };
    },
    over: () =>
      `limits ${dryRun ? "would no longer stop" : "no longer stop"} packets: ${count(all.total, "packet")} in all, ${byFlag((spell) => spell.total) || "none lately"}`,
  };
}

function stopped({ dryRun, counters }: Sample): Readonly<Record<keyof typeof FLAGS, number>> {
  return dryRun ? counters.dryRun : counters.verdicts;
}

/** A NodeID is made of bytes of strangers, so only harmless ones are shown as text. */
function nameOf({ kind, network, nodeId }: Limited): string {
  if (kind !== "node" && network !== undefined) return network;
  const text = Buffer.from(nodeId ?? []).toString("latin1");
  return `NodeID ${/^[\w.:-]+$/.test(text) ? text : `hex:${Buffer.from(nodeId ?? []).toString("hex")}`}`;
}
