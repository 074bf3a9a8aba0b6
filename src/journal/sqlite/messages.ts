/** What an SQLite journal and its thread tell each other. */
import type { JournalErrorCode } from "../journal.ts";

/** To the thread. Each is answered once, in order; `open` and `read` with batches before that. */
export type ToFile =
  /** Opens the file, and with `read` sends its batches that have something as late as `since`. */
  | {
      readonly type: "open";
      readonly path: string;
      readonly since: number;
      readonly read: boolean;
      readonly write: boolean;
    }
  /** A batch that was sent has been merged: another may follow. */
  | { readonly type: "taken" }
  /** Keeps a batch, and deletes what ended before `since`. */
  | {
      readonly type: "append";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly count: number;
      readonly newest: number;
      readonly since: number;
    }
  /** Deletes the batches up to a number: all that they hold was appended again. With `spare` not those that were there at the start. */
  | { readonly type: "drop"; readonly upTo: number; readonly spare: boolean }
  /** Nothing else to do: deletes what ended before `since`, and makes the file smaller. */
  | { readonly type: "tidy"; readonly since: number }
  /** Renames the file, which is damaged. */
  | { readonly type: "setAside" }
  | { readonly type: "storageInfo" }
  | { readonly type: "close" };

export interface FileFigures {
  readonly batches: number;
  readonly bytes: number;
  readonly schema: number;
}

/** From the thread. */
export type FromFile =
  | { readonly type: "batch"; readonly data: Uint8Array<ArrayBuffer> }
  | {
      readonly type: "done";
      /** The number of the last batch, and entries in all. */
      readonly last?: number;
      readonly entries?: number;
      readonly figures?: FileFigures;
      /** Whether the file that was opened for writing is another one than before. */
      readonly renewed?: boolean;
      /** What a damaged file is called now. */
      readonly aside?: string | undefined;
    }
  | { readonly type: "failed"; readonly code: JournalErrorCode; readonly message: string };
