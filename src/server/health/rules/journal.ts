/** A journal that is late, fails, or has what the server cannot take. */

import { count } from "../../../log/count.ts";
import { Spell } from "../spell.ts";
import type { Finding, Rule, Sample } from "./rule.ts";

/** The journal is late from this lag on, in seconds, until it is less than the second one. Its lag is normally below 1. */
const LATE_S = 5;
const IN_TIME_S = 2;

export function journalLate(): Rule {
  let late = false;
  return {
    code: "journal-late",
    look(sample) {
      const { lag } = sample.journal;
      late = lag >= LATE_S || (late && lag >= IN_TIME_S);
      // A journal that could not be read yet is a worse problem of its own.
      if (!late || !sample.restored) return undefined;
      const text = `the journal is ${Math.round(lag)} s late: a crash now would lose the announcements of that time; ${advice(sample)}`;
      return { severity: "warning", text };
    },
    over: () => "the journal is in time again",
  };
}

/** Of this, the journal itself writes the log. */
export function journalErrors(): Rule {
  const errors = new Spell(1);
  return {
    code: "journal-errors",
    logs: false,
    look(sample): Finding | undefined {
      errors.look(sample.journal.errors);
      if (!sample.restored) {
        const text = `the journal could not be read yet, so nodes of before the start are unknown until they announce themselves: ${advice(sample)}`;
        return { severity: "error", text };
      }
      if (!errors.active) return undefined;
      const text =
        errors.recent > 0 || sample.journal.lag >= LATE_S
          ? advice(sample)
          : "it works again, and the log has the reason";
      return { severity: "warning", text: `${count(errors.total, "error")} of the journal: ${text}` };
    },
  };
}

export function journalLossy(): Rule {
  const noRoom = new Spell(1);
  const bad = new Spell(1);
  return {
    code: "journal-lossy",
    look({ journal }) {
      noRoom.look(journal.noRoom);
      bad.look(journal.bad);
      const texts = [
        ...(noRoom.active
          ? [
              `${count(noRoom.total, "announcement")} in the journal not taken, as there is no room or the NodeIDs are too long: raise --capacity, --https-capacity or --max-id-length`,
            ]
          : []),
        ...(bad.active
          ? [
              `${count(bad.total, "batch", "batches")} of the journal skipped, damaged or of a newer version: run the same version on all servers`,
            ]
          : []),
      ];
      return texts.length === 0 ? undefined : { severity: "error", text: texts.join("; ") };
    },
    over: () => {
      const dropped = [
        ...(noRoom.total > 0 ? [count(noRoom.total, "announcement")] : []),
        ...(bad.total > 0 ? [count(bad.total, "batch", "batches")] : []),
      ];
      return `the server takes everything from the journal again, after it dropped ${dropped.join(" and ")}`;
    },
  };
}

function advice({ journal }: Sample): string {
  return journal.where.startsWith("sqlite ")
    ? "look for errors in the log, and check that its disk is not full or slow"
    : "look for errors in the log, and check that Redis runs and can be reached";
}
