/** Messages between the control thread and a thread that answers requests over HTTPS and HTTP. */
import type { EngineMemory, Network } from "../../engine/index.ts";
import type { Merged } from "../../syncthing/devices/index.ts";

/** Where to listen, or where a thread listens. */
interface ListenAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface DirectoryStart {
  readonly engineMemory: EngineMemory;
  readonly lane: number;
  readonly deviceMemory: SharedArrayBuffer;
  readonly missMemory: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** The epoch of the server's clock. */
  readonly epoch: number;
  readonly unverified: boolean;
  /** Undefined if HTTPS is off. `cert` and `key` are in PEM. */
  readonly https: (ListenAddress & { readonly cert: string; readonly key: string }) | undefined;
  /** Undefined if HTTP is off. */
  readonly http:
    | (ListenAddress & { readonly trusted: readonly Network[]; readonly certificateHeader: string })
    | undefined;
}

/** Ports on which a thread listens. */
export interface DirectoryPorts {
  readonly https: number | undefined;
  readonly http: number | undefined;
}

export type ToDirectory =
  | { readonly type: "start"; readonly start: DirectoryStart }
  /** The announcement with this number was handled. */
  | { readonly type: "announced"; readonly number: number; readonly merged: Merged }
  | { readonly type: "stop" };

export type FromDirectory =
  | { readonly type: "listening"; readonly ports: DirectoryPorts }
  /** It could not start. `option` tells where it cannot listen; undefined for any other failure. */
  | {
      readonly type: "failed";
      readonly option: "https" | "http" | undefined;
      readonly code: string | undefined;
      readonly message: string;
    }
  | {
      readonly type: "announce";
      readonly number: number;
      readonly id: Uint8Array;
      readonly addresses: readonly string[];
    }
  /** A request failed because of a fault of the server. */
  | { readonly type: "fault"; readonly message: string }
  | { readonly type: "stopped" };
