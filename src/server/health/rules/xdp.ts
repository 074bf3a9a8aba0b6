/** Queues of the interface that the transport xdp does not serve. */
import type { Rule } from "./rule.ts";

/**
 * A queue that is not served, without a known reason, is a problem after so many seconds. A worker that has just started is lent its
 * queue within a fraction of one.
 */
const UNSERVED_S = 5;

export function xdp(): Rule {
  let seconds = 0;
  let reason: string | undefined;
  return {
    code: "xdp",
    look({ xdp, workers, missing }) {
      if (xdp === undefined) return undefined;
      const { interface: name, queues, served, problem } = xdp;
      const unserved = Math.min(queues, workers) - served;
      // A worker that is missing is a problem of its own.
      seconds = unserved > 0 && missing.length === 0 ? seconds + 1 : 0;
      if (problem !== undefined) reason = problem;
      else if (seconds >= UNSERVED_S)
        reason = `${unserved} of its ${queues} queues are not served: start the server again`;
      else if (unserved <= 0) reason = undefined;
      if (reason === undefined) return undefined;
      return {
        severity: "warning",
        text: `the transport xdp does not serve all of ${name}: ${reason}; meanwhile its packets go through the kernel's sockets, which costs more`,
      };
    },
    over: ({ xdp }) => `the transport xdp serves all of ${xdp!.interface} again`,
  };
}
