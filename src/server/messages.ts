/** What control and worker tell each other. Figures do not pass here: they lie in the shared memory. */
import type { EngineBackend } from "../engine/index.ts";

export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  readonly lane: number;
  readonly engine: EngineBackend;
  readonly host: string;
  readonly port: number;
}

/** To a worker. */
export type ToWorker = { readonly type: "start"; readonly start: WorkerStart } | { readonly type: "stop" };

/** From a worker. */
export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  /** It cannot listen, or cannot go on. */
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string }
  | { readonly type: "stopped" };
