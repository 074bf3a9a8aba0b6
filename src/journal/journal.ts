/** The interface between a server's registry and its journal. */
import { count } from "../log/count.ts";
import type { Batch, SealedBatch } from "./batch/index.ts";

/** The registry's time: milliseconds that never step, whatever happens to the system's clock. */
export interface RegistryClock {
  now(): number;
}

/**
 * Keeps announcements beyond the life of the process. The registry serves as its buffer: whatever could not be appended
 * can be taken from there again.
 */
export interface Journal {
  /** For logs, without passwords. */
  readonly where: string;
  /**
   * The journal's clock minus the registry's, in whole ms: added to times that are appended, subtracted from those that
   * are read.
   */
  readonly shift: number;
  /** Whether `append` can succeed now: false while there is no connection. */
  readonly ready: boolean;
  /** Whether everything that it had at the start was merged: false if it was not available at {@link open}, until it is. */
  readonly restored: boolean;
  /** Batches that were skipped because they are damaged or not batches at all. */
  readonly bad: number;
  /** Lost connections, failed appends, and times that the journal lost data. */
  readonly errors: number;
  /**
   * Merges everything the journal has into `registry`. Resolves when that is done, or if the journal is not available
   * now: that is logged, and retried until `close`.
   *
   * @throws {JournalError} for a problem that a person must solve before the server can start
   */
  open(registry: JournalRegistry): Promise<void>;
  /**
   * Merges everything the journal has into `registry`, once and without changing the journal: for tools.
   *
   * @throws {JournalError}
   */
  read(registry: Pick<JournalRegistry, "merge">): Promise<void>;
  /** Gets ready for `append` without `open`: for tools. @throws {JournalError} */
  prepare(): Promise<void>;
  /**
   * Resolves when the batch is stored.
   *
   * @throws {JournalError} if it is not, or may not be; appending it again does no harm
   */
  append(batch: SealedBatch): Promise<void>;
  /** To be called after `open`, `read` or `prepare`. */
  storageInfo(): Promise<StorageInfo>;
  /** Closes the journal for good. Batches that were appended stay stored. */
  close(): Promise<void>;
}

/** A server's registry, as its journal uses it: its nodes and the devices of Syncthing. */
export interface JournalRegistry {
  /** Nodes in the registry. */
  readonly nodes: number;
  /** Devices of Syncthing that the server knows. */
  readonly devices: number;
  /** Nodes and devices of the journal that were dropped, because there was no room or a NodeID was too long. */
  readonly noRoom: number;
  /** Nodes and devices that gave way to others because there was no room. */
  readonly displaced: number;
  /** Merges the nodes and devices of a batch of another server, or of an earlier run of this one. `shift` is added to its times. */
  merge(batch: Batch, shift: number): Promise<void>;
  /** The journal lost what this server had appended: marks all of it to be appended again. */
  appendAgain(): void;
  /** Appends all nodes and devices, including those of other servers. Rejects if an append fails. */
  appendAll(): Promise<void>;
}

/** The storage that a journal occupies, for display. */
export interface StorageInfo {
  readonly batches: number;
  /** On disk, or in Redis's memory. */
  readonly bytes: number;
  /** Other facts by name, different for each kind of journal. */
  readonly details: Readonly<Record<string, string | number>>;
}

/**
 * Why a journal fails. A person must solve `locked`, `newer` (written by a newer version), `foreign` (another program's
 * file) and `unusable` before a server starts. `moved`: the file was removed or replaced.
 */
export type JournalErrorCode = "locked" | "newer" | "foreign" | "unusable" | "damaged" | "moved" | "failed" | "closed";

/** A journal is not available, or did not store what was appended. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How many nodes and devices a registry has, for logs: `1 node`, or `3 nodes and 2 devices`. */
export function contentsText({ nodes, devices }: Pick<JournalRegistry, "nodes" | "devices">): string {
  const text = count(nodes, "node");
  return devices === 0 ? text : `${text} and ${count(devices, "device")}`;
}
