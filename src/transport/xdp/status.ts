/** The state of the transport, for statistics. This file has no imports: users compile its types, perhaps without those of Bun. */

/** How the program runs: in the driver of the interface, or after it, for interfaces whose driver cannot. */
export type XdpMode = "native" | "generic";

/** What the transport does now. Counters count since the start of the server. */
export interface XdpStatus {
  /** The name of the interface. */
  readonly interface: string;
  /**
   * How the program runs: `native`, in the driver of the interface, or `generic`, after it, which costs more; undefined while it is
   * not attached.
   */
  readonly mode: XdpMode | undefined;
  /** Queues of the interface; 0 while there is no interface, or if the program could not be loaded. */
  readonly queues: number;
  /** Queues whose packets go round the kernel's network stack. */
  readonly served: number;
  /** A problem of the interface or its queues, as one line for people; undefined if there is none. */
  readonly problem: string | undefined;
  /** Frames that went round the kernel's network stack to a worker, damaged ones included. */
  readonly received: number;
  /** Replies that workers sent that way. */
  readonly sent: number;
  /** Frames that were cut off or had a wrong checksum, and were not handled. */
  readonly damaged: number;
  /** Frames that the kernel dropped because a queue had no free frame or no room: its worker was too slow. */
  readonly dropped: number;
}
