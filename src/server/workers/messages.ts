/** What control and worker tell each other. Figures do not pass here: they lie in the shared memory. */
import type { EngineBackend, EngineMemory } from "../../engine/index.ts";
import type { PortSharing } from "../../transport/socket.ts";
import type { SocketRecord } from "../../transport/socket-record.ts";
import type { TransportName } from "../options.ts";

export interface WorkerStart {
  readonly memory: EngineMemory;
  readonly lane: number;
  readonly engine: EngineBackend;
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
  readonly reusePort: PortSharing;
  readonly receiveBuffer: number;
  readonly socketRecord: SocketRecord;
}

/** What a worker listens on. */
export interface Listening {
  readonly port: number;
  /** The numeric address, with its zone if it has one. */
  readonly address: string;
  /** Bytes granted for datagrams that wait; undefined where the system does not tell. */
  readonly receiveBuffer: number | undefined;
  /** Descriptor of the socket; undefined where it is the runtime's own business. */
  readonly fd: number | undefined;
}

/** To a worker. */
export type ToWorker = { readonly type: "start"; readonly start: WorkerStart } | { readonly type: "stop" };

/** From a worker. */
export type FromWorker =
  | { readonly type: "listening"; readonly listening: Listening }
  /** It cannot listen, or cannot go on. */
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string }
  | { readonly type: "stopped" };
