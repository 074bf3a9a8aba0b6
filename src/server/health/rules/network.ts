/** Lost packets, a small receive buffer, and a clock that was set. */

import { count } from "../../../log/count.ts";
import { Spell } from "../spell.ts";
import type { Rule } from "./rule.ts";

/** A few replies that cannot be sent are the fault of those who asked. */
const UNSENT = 10;
/** A larger change of the system's clock is a step. A smaller one is a drift. */
const STEP_MS = 1000;

export function kernelDrops(): Rule {
  const drops = new Spell(1);
  const onQueues = new Spell(1);
  return {
    code: "kernel-drops",
    look({ kernelDrops, xdp, socketsGiven }) {
      drops.look(kernelDrops ?? 0);
      onQueues.look(xdp?.dropped ?? 0);
      if (!drops.active) return undefined;
      if (onQueues.active) {
        const text = `the kernel dropped ${count(drops.total, "packet")} because a queue of ${xdp!.interface} or a receive buffer was full, now ${drops.rate}: raise --receive-buffer, or give the interface more queues (ethtool -L) and start the server again`;
        return { severity: "error", text };
      }
      const advice = socketsGiven
        ? "raise ReceiveBuffer= in the socket unit, or repeat ListenDatagram= there and raise --workers"
        : "raise --receive-buffer, and sysctl net.core.rmem_max to the same, or raise --workers";
      return {
        severity: "error",
        text: `the kernel dropped ${count(drops.total, "packet")} because a receive buffer was full, now ${drops.rate}: ${advice}`,
      };
    },
    over: () => `the kernel no longer drops packets: ${drops.total} in all`,
  };
}

export function unsent(): Rule {
  const replies = new Spell(UNSENT);
  return {
    code: "unsent",
    look({ counters }) {
      replies.look(counters.unsent);
      if (!replies.active) return undefined;
      return {
        severity: "error",
        text: `the system refused to send ${count(replies.total, "reply", "replies")}, now ${replies.rate}: look for a firewall rule or a missing route, or raise sysctl net.core.wmem_max`,
      };
    },
    over: () => `all replies are sent again: ${replies.total} were not`,
  };
}

export function receiveBuffer(): Rule {
  return {
    code: "receive-buffer",
    look({ receiveBuffer: { granted, asked }, socketsGiven }) {
      if (granted === undefined || granted >= asked) return undefined;
      const advice = socketsGiven
        ? `set ReceiveBuffer=${asked} in the socket unit`
        : `run sysctl -w net.core.rmem_max=${asked}`;
      return {
        severity: "warning",
        text: `the system grants a receive buffer of ${granted} bytes, not of ${asked}, so bursts may be lost: ${advice}`,
      };
    },
  };
}

export function clock(): Rule {
  let last: number | undefined;
  let steps = 0;
  let text = "";
  const spell = new Spell(1);
  return {
    code: "clock",
    look(sample) {
      const step = sample.clock === undefined || last === undefined ? 0 : sample.clock - last;
      last = sample.clock ?? last;
      const stepped = Math.abs(step) > STEP_MS;
      if (stepped) {
        const seconds = (Math.abs(step) / 1000).toFixed(1);
        const way = step > 0 ? "ahead" : "back";
        text = `the system's clock was set ${way} by ${seconds} s, or this machine slept: this changes nothing for the nodes`;
        steps++;
      }
      spell.look(steps);
      return spell.active ? { severity: "warning", text, again: stepped } : undefined;
    },
  };
}
