/** A full table of Syncthing devices, and threads for requests that do not run. */

import { count } from "../../../log/count.ts";
import { Spell } from "../spell.ts";
import type { Rule } from "./rule.ts";

/** A full table has room again when this part of it is free. Otherwise one that is nearly full would fill the log. */
const ROOM = 0.01;
/** A loss of devices is reported for so many seconds, since a device announces itself only once or twice an hour. */
const LOSSES_S = 300;

export function devicesFull(): Rule {
  let full = false;
  const displaced = new Spell(1, LOSSES_S);
  const refused = new Spell(1, LOSSES_S);
  return {
    code: "devices-full",
    look({ https: { devices, capacity, displaced: gaveWay, requests } }) {
      displaced.look(gaveWay);
      refused.look(requests.full);
      full = devices >= capacity || (full && devices > capacity * (1 - ROOM));
      const losses = [
        ...(displaced.active ? [`${count(displaced.total, "device")} gave way to new ones`] : []),
        ...(refused.active ? [`${count(refused.total, "announcement")} refused`] : []),
      ];
      // Devices with very many addresses can fill the table before there are as many as its capacity.
      if (!full && losses.length === 0) return undefined;
      const lately = losses.length > 0 ? `; lately: ${losses.join(", ")}` : "";
      return {
        severity: losses.length > 0 ? "error" : "warning",
        text: `the table of Syncthing devices is full: ${devices} of ${capacity} devices; new ones take the place of devices that were announced only once, or are refused: raise --https-capacity${lately}`,
      };
    },
    over: ({ https: { devices, capacity } }) =>
      `the table of Syncthing devices has room again: ${devices} of ${capacity} devices`,
  };
}

export function httpsThreads(): Rule {
  const replaced = new Spell(1);
  return {
    code: "https-thread-missing",
    // The threads' owner logs why one failed.
    logs: false,
    look({ https: { threads, replaced: replacements }, httpsMissing: missing }) {
      replaced.look(replacements);
      if (missing > 0) {
        const text = `${missing} of ${count(threads + missing, "thread")} for HTTPS requests not running; the server starts it again, and the log says why it failed`;
        return { severity: "error", text };
      }
      if (!replaced.active) return undefined;
      const text = `${count(replaced.total, "thread")} for HTTPS requests failed a short time ago and started again: the log says why`;
      return { severity: "warning", text };
    },
  };
}
