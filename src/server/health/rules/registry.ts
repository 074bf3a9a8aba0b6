/** A full registry, and workers that do not run. */

import { count } from "../../../log/count.ts";
import { Spell } from "../spell.ts";
import type { Rule } from "./rule.ts";

/** A full registry has room again when this part of it is free. Otherwise one that is nearly full would fill the log. */
const ROOM = 0.01;

export function registryFull(): Rule {
  let full = false;
  const displaced = new Spell(1);
  const refused = new Spell(1);
  return {
    code: "registry-full",
    look({ nodes, capacity, counters }) {
      displaced.look(counters.displaced);
      refused.look(counters.verdicts.full);
      full = nodes >= capacity || (full && nodes > capacity * (1 - ROOM));
      if (!full) return undefined;
      const losses = [
        ...(displaced.recent > 0 ? [`${count(displaced.recent, "node")} gave way to new ones`] : []),
        ...(refused.recent > 0 ? [`${count(refused.recent, "announcement")} refused`] : []),
      ];
      const lately = losses.length > 0 ? `; in the last 10 seconds: ${losses.join(", ")}` : "";
      return {
        severity: losses.length > 0 ? "error" : "warning",
        text: `the registry is full: ${nodes} of ${capacity} nodes; new ones take the place of nodes that were announced only once, or are refused: raise --capacity${lately}`,
      };
    },
    over: ({ nodes, capacity }) => `the registry has room again: ${nodes} of ${capacity} nodes`,
  };
}

export function workers(): Rule {
  const replaced = new Spell(1);
  return {
    code: "worker-missing",
    // The pool logs why a worker was replaced, and why it could not be.
    logs: false,
    look(sample) {
      replaced.look(sample.replaced);
      const { missing, workers } = sample;
      if (missing.length > 0) {
        const which = `worker ${missing.join(", ")}`;
        const text = `${missing.length} of ${count(workers, "worker")} not running: ${which}; the server replaces it, and the log says why`;
        return { severity: "error", text };
      }
      if (!replaced.active) return undefined;
      const text = `${count(replaced.total, "worker was", "workers were")} replaced a short time ago: the log says why`;
      return { severity: "warning", text };
    },
  };
}
