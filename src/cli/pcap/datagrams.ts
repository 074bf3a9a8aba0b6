/** The datagrams of the protocol among the frames of a capture. */

import { count } from "../../log/count.ts";
import { readUdp, type UdpDatagram } from "../packets/ip.ts";
import { CUT_LINK, findIpOf, NO_IP } from "../packets/link.ts";
import { beginsWithMagic } from "../packets/magic.ts";
import type { Frame } from "./frame.ts";

/** Why a frame has no datagram of the protocol, in the words of the summary. */
const REASONS = {
  port: "UDP of other ports",
  protocol: "other protocols",
  fragment: "later fragments, without ports",
  cut: "cut off before the ports",
  contradiction: "headers that contradict each other",
} as const;

/** The most reasons in the summary: a hostile capture may have thousands of link types. */
const MAX_REASONS = 16;

/** Finds the datagrams of the protocol, and counts the other frames. */
export class Datagrams {
  readonly #ports: ReadonlySet<number>;
  #frames = 0;
  readonly #skipped = new Map<string, number>();

  /** @param ports - datagrams from or to them are of the protocol; of others, those that begin with its magic numbers */
  constructor(ports: Iterable<number>) {
    this.#ports = new Set(ports);
  }

  /** @returns the datagram of a frame; `undefined` if it has none, or one of another protocol */
  find({ bytes, linkType }: Frame): UdpDatagram | undefined {
    this.#frames++;
    const findIp = findIpOf(linkType);
    if (findIp === undefined) return this.#skip(`link type ${linkType}, which is not supported`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = findIp(view);
    if (start === NO_IP) return this.#skip(REASONS.protocol);
    if (start === CUT_LINK) return this.#skip(REASONS.cut);
    const read = readUdp(view, start);
    if (read.kind !== "udp") return this.#skip(REASONS[read.kind]);
    const isOurs = this.#ports.has(read.sourcePort) || this.#ports.has(read.destinationPort);
    return isOurs || beginsWithMagic(read.payload) ? read : this.#skip(REASONS.port);
  }

  /** A sentence about the frames without a datagram of the protocol; `undefined` if there were none. */
  summary(): string | undefined {
    if (this.#frames === 0) return "the capture has no packets";
    if (this.#skipped.size === 0) return undefined;
    const reasons = [...this.#skipped].map(([reason, times]) => `${times} ${reason}`);
    const more = reasons.length > MAX_REASONS ? ["others for other reasons"] : [];
    const text = [...reasons.slice(0, MAX_REASONS), ...more].join("; ");
    return `of ${count(this.#frames, "packet")}, these are not shown: ${text}`;
  }

  #skip(reason: string): undefined {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1);
  }
}
