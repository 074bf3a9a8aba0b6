/**
 * The transport for very high load, on Linux: it goes round the kernel's network stack. A program in the kernel (program.ts) puts
 * queries and announcements, as whole Ethernet frames, into memory that it shares with the worker. The kernel handles all other packets
 * as it does without the program, so the worker also has the sockets of the transport mmsg.
 *
 * The control thread owns the program, the sockets and the memory (control.ts), and lends the worker a queue of the interface.
 */
import { loadLibc } from "../libc.ts";
import { openSocketLanes } from "../mmsg.ts";
import type { Transport, TransportOptions } from "../transport.ts";
import { XdpLane } from "./lane.ts";
import type { XdpLoan } from "./socket.ts";

export interface XdpTransport extends Transport {
  /** Serves a queue from now on, and no earlier one any more. */
  lend(loan: XdpLoan): void;
  /** Stops using the queue of that loan, if it still does. */
  giveBack(loan: number): void;
}

/** Opens the transport, without a queue at first. Throws the errors of `openMmsg`. */
export async function openXdp(options: TransportOptions): Promise<XdpTransport> {
  const { transport, lanes } = await openSocketLanes(options);
  let queue: { readonly lane: XdpLane; readonly loan: number } | undefined;
  const giveBack = (loan: number) => {
    if (queue?.loan !== loan) return;
    lanes.remove(queue.lane);
    queue = undefined;
  };
  return {
    ...transport,
    lend(loan) {
      if (queue !== undefined) giveBack(queue.loan);
      const lane = new XdpLane(loadLibc(), loan, options.slots);
      queue = { lane, loan: loan.number };
      lanes.add(lane);
    },
    giveBack,
  };
}
