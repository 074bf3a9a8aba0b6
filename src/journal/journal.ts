/** What a journal is to a server, and a server to its journal. */
import type { Batch, SealedBatch } from "./batch.ts";

/** What outlives the process. The registry is its buffer: whatever is not kept yet can be had from there again. */
export interface Journal {
  /** What a log may say of it: no secrets. */
  readonly where: string;
  /** To a time of this machine's clock, in ms, this is added to have the journal's time. */
  readonly shift: number;
  /** Whether it makes sense to append now. */
  readonly ready: boolean;
  /** Batches that were none, or damaged: skipped. */
  readonly bad: number;
  /** What went wrong so far: connections that broke, appends that failed, times that it lost what it had. */
  readonly errors: number;
  /**
   * Has `registry` take all that the journal has; resolves when it has, or when the journal cannot be had for now: that is in the
   * log then, and it is tried again for ever.
   * @throws {JournalError} if a server had better not start with it.
   */
  open(registry: JournalRegistry): Promise<void>;
  /** Has `registry` take all that the journal has, once: for tools. Nothing is changed. @throws {JournalError} */
  read(registry: Pick<JournalRegistry, "merge">): Promise<void>;
  /** Makes it ready for `append`, where it is not to be opened. @throws {JournalError} */
  prepare(): Promise<void>;
  /** Resolves when the batch is kept. @throws {JournalError} if it is not, or not for certain; it may be appended again */
  append(batch: SealedBatch): Promise<void>;
  /** What it holds. To be asked after `open`, `read` or `prepare`. */
  storageInfo(): Promise<StorageInfo>;
  /** Ends it; what was appended is kept. */
  close(): Promise<void>;
}

/** Who has a journal: a registry. */
export interface JournalRegistry {
  /** Nodes it holds. */
  readonly nodes: number;
  /** Entries that it was to take and had no room for. */
  readonly noRoom: number;
  /** Merges a batch of another server, or of an earlier life; `shift` is added to its times. */
  merge(batch: Batch, shift: number): Promise<void>;
  /** The journal lost what this server had announced to it: it is to be appended again. */
  appendAgain(): void;
  /** Appends all that the registry holds, whoever announced it. Resolves when that is done. Rejects if it cannot be. */
  appendAll(): Promise<void>;
}

/** Of a journal as it is, not of the registry that it makes. */
export interface StorageInfo {
  readonly batches: number;
  /** What it takes on disk or in memory. */
  readonly bytes: number;
  /** What else there is to say of it, name by name. */
  readonly more: Readonly<Record<string, string | number>>;
}

/** Why a journal fails. `locked`, `newer`, `foreign` and `unusable` are for a person to solve, before a server starts. */
export type JournalErrorCode = "locked" | "newer" | "foreign" | "unusable" | "damaged" | "moved" | "failed" | "closed";

/** A journal cannot be had, or did not keep what it was given. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
