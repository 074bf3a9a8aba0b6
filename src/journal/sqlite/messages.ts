/** Messages between an SQLite journal and its worker thread. */
import type { JournalErrorCode } from "../journal.ts";
import type { Boot } from "./wall-clock.ts";

/** To the worker. All but `merged` are answered once, in order; `open` with `read` sends batches before its answer. */
export type Request =
  /**
   * Opens the file. With `read`, the worker sends the batches that contain nodes announced after `since`, or devices that have
   * not expired.
   */
  | {
      readonly type: "open";
      readonly path: string;
      readonly boot: Boot;
      readonly since: number;
      readonly read: boolean;
      readonly write: boolean;
    }
  /** A batch that the worker sent was merged, so it may send another. */
  | { readonly type: "merged" }
  /** Stores a batch, and deletes batches that have expired: their `newest` is before `since`. */
  | {
      readonly type: "append";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly count: number;
      readonly newest: number;
      readonly since: number;
    }
  /**
   * Deletes batches up to number `upTo`, which were all appended again. With `spareInitial`, keeps those found at the
   * start.
   */
  | { readonly type: "drop"; readonly upTo: number; readonly spareInitial: boolean }
  /** Deletes batches that have expired: their `newest` is before `since`. Shrinks the file. */
  | { readonly type: "cleanUp"; readonly since: number }
  /** The system's clock has changed: batches after this have other times than those before. */
  | { readonly type: "clock"; readonly boot: Boot }
  /** Renames the damaged file. */
  | { readonly type: "setAside" }
  | { readonly type: "storageInfo" }
  | { readonly type: "close" };

export interface FileInfo {
  readonly batches: number;
  readonly bytes: number;
  readonly schema: number;
}

/** From the worker. */
export type Reply =
  /** `shift`: to be added to its times, because the clock was set since it was written. */
  | { readonly type: "batch"; readonly data: Uint8Array<ArrayBuffer>; readonly shift: number }
  | {
      readonly type: "done";
      /** The number of the last batch. */
      readonly last?: number;
      /** Nodes and devices in all batches. */
      readonly entries?: number;
      readonly info?: FileInfo;
      /** Whether the file that was opened for writing is not the one that was open before. */
      readonly replaced?: boolean;
      /** Whether the file has batches from before the clock was set. */
      readonly shifted?: boolean;
      /** The new name of the damaged file. */
      readonly aside?: string | undefined;
    }
  | { readonly type: "failed"; readonly code: JournalErrorCode; readonly message: string };
