import type { Clock } from "./clock.ts";

/** A packet of a capture, with its link-layer header. */
export interface Frame {
  /** Its number in the capture, from 1, as Wireshark shows it. */
  readonly number: number;
  /** https://www.tcpdump.org/linktypes.html */
  readonly linkType: number;
  /** The captured bytes: a view. */
  readonly bytes: Uint8Array;
  /** Its time, for `clock`. */
  readonly time: readonly [high: number, low: number];
  readonly clock: Clock;
}

/**
 * In bytes: longer than any UDP datagram with its headers. More is not kept of a frame. There are longer ones: those of
 * TCP before the network adapter divides them, and those of links that are no network.
 */
export const LONGEST_FRAME = 128 * 1024;

/** The input is no capture, or a damaged one. The message continues a sentence that begins with its name. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}
