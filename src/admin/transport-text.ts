/** The transport of a server in words: for its log, for the command `status` and for the page. */
import { count } from "../log/count.ts";
import type { XdpReply } from "./api.ts";

type Shown = Pick<XdpReply, "interface" | "queues" | "served"> & { readonly mode: string | null | undefined };

/** `mmsg`, or `xdp on eth0 (native, 2 queues)`. */
export function transportText(transport: string, xdp: Shown | null | undefined): string {
  return xdp === null || xdp === undefined ? transport : `${transport} on ${interfaceText(xdp)}`;
}

/** `eth0 (native, 2 queues)`, `eth0 (generic, 1 of 2 queues)` or `eth0 (not served)`. */
export function interfaceText({ interface: name, mode, queues, served }: Shown): string {
  if (served === 0) return `${name} (not served)`;
  const part = served === queues ? "" : `${served} of `;
  return `${name} (${mode}, ${part}${count(queues, "queue")})`;
}
