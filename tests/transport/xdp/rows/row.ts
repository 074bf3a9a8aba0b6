/** A row of the matrix: a kind of frame, and what must become of it. */
import { buildFrame, type FrameFields } from "../../../support/link/build.ts";
import { CLIENT_MAC, SERVER_MAC } from "../network.ts";
import { type Outcome, REPLY, type Send, type Sent } from "../outcome.ts";

/** All of an outcome that both transports have in common. */
type Expected = Omit<Outcome, "kernel">;

export interface Row {
  /** A noun for what is sent, such as "a query over IPv4". */
  readonly what: string;
  readonly send: Send;
  /** What the kernel's sockets do. The transport xdp must do the same. */
  readonly expected: Expected;
  /** Whether the program of the transport xdp takes the frames from the kernel. */
  readonly taken: boolean;
  /** Whether frames are larger than an interface without jumbo frames sends them. */
  readonly jumbo?: boolean;
  /** What the transport xdp does if that is something else, for a reason that the row's list gives. */
  readonly xdp?: Expected;
}

export const NOTHING: Expected = { verdicts: {}, unsent: 0, sent: [] };
/** It reached the server, which did not answer. */
export const MALFORMED: Expected = { ...NOTHING, verdicts: { malformed: 1 } };
/** The kernel refuses to send the reply. */
export const UNSENT: Expected = { ...NOTHING, verdicts: { answered: 1 }, unsent: 1 };
/** The reply does not leave the server's host. */
export const TO_ITSELF: Expected = { ...NOTHING, verdicts: { answered: 1 } };

/** The reply to a query of these fields, with changes. */
export function answered(fields: FrameFields, changes: Partial<Sent> = {}): Expected {
  const v6 = `${fields.destination}`.includes(":");
  const sent: Sent = {
    from: `${fields.destination} ${fields.destinationPort}`,
    to: `${fields.source} ${fields.sourcePort}`,
    fromMac: SERVER_MAC,
    toMac: CLIENT_MAC,
    vlan: undefined,
    ttl: 64,
    tos: 0,
    dontFragment: v6 ? undefined : true,
    valid: true,
    payload: REPLY,
    ...changes,
  };
  return { verdicts: { answered: 1 }, unsent: 0, sent: [sent] };
}

/** An error of ICMP from the destination to the source. */
export function refused({ source, destination }: FrameFields, icmp: string): Expected {
  return { ...NOTHING, sent: [{ icmp, from: `${destination}`, to: `${source}` }] };
}

/** A row for one frame. */
function row(what: string, fields: FrameFields, taken: boolean, expected: Expected = answered(fields)): Row {
  return { what, taken, expected, send: ({ link }) => link.send([buildFrame(fields)]) };
}

/** A row that the transport xdp takes from the kernel. */
export function plain(what: string, fields: FrameFields, expected?: Expected): Row {
  return row(what, fields, true, expected);
}

/** A row that is left to the kernel. */
export function passed(what: string, fields: FrameFields, expected?: Expected): Row {
  return row(what, fields, false, expected);
}
