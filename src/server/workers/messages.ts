/** Messages between the control thread and a packet worker. Counters are not sent: they are in the shared memory. */
import type { EngineBackend, EngineMemory } from "../../engine/index.ts";
import type { PortSharing } from "../../transport/socket.ts";
import type { SocketRecord } from "../../transport/socket-record.ts";
import type { XdpLoan } from "../../transport/xdp/socket.ts";
import type { TransportName } from "../options.ts";
import type { WorkerReport } from "./reports.ts";

export interface WorkerStart {
  readonly memory: EngineMemory;
  readonly lane: number;
  readonly engine: EngineBackend;
  readonly transport: TransportName;
  readonly hosts: readonly string[];
  readonly port: number;
  /** Descriptors of sockets that are used instead of binding `hosts` and `port`. */
  readonly given?: readonly number[];
  readonly reusePort: PortSharing;
  readonly receiveBuffer: number;
  readonly coalesce: number;
  readonly socketRecord: SocketRecord;
  readonly report: WorkerReport;
  /** The epoch of the server's clock. */
  readonly epoch: number;
}

/** Where a worker listens. */
export interface Listening {
  readonly port: number;
  /** The numeric addresses, with their zones if they have one. */
  readonly addresses: readonly string[];
  /** Size of the receive buffer that the system granted, in bytes; undefined if the system does not report it. */
  readonly receiveBuffer: number | undefined;
}

export type ToWorker =
  | { readonly type: "start"; readonly start: WorkerStart }
  /** Serve a queue of an interface, and answer "lent". */
  | { readonly type: "lend"; readonly loan: XdpLoan }
  /** Stop using the queue of that loan, and answer "returned". */
  | { readonly type: "give-back"; readonly loan: number }
  | { readonly type: "stop" };

export type FromWorker =
  /** The first message: the worker's thread, if its number is known. */
  | { readonly type: "thread"; readonly thread: number | undefined }
  | { readonly type: "listening"; readonly listening: Listening }
  /** The worker cannot listen (at `host`, if that is known), or an error ended it. */
  | {
      readonly type: "failed";
      readonly code: string | undefined;
      readonly message: string;
      readonly host: string | undefined;
    }
  /** A line for the log about a problem with which the worker goes on. */
  | { readonly type: "warning"; readonly text: string }
  /** It serves the queue that it was lent. */
  | { readonly type: "lent"; readonly loan: number }
  /** It does not use the queue any more, because it was asked for it. */
  | { readonly type: "returned"; readonly loan: number }
  | { readonly type: "stopped" };
