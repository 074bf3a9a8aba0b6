import type { Journal, StorageInfo } from "./journal.ts";

/** The journal that keeps nothing. */
export class MemoryJournal implements Journal {
  readonly where = "memory";
  readonly shift = 0;
  readonly ready = false;
  readonly restored = true;
  readonly bad = 0;
  readonly errors = 0;

  async open(): Promise<void> {}
  async read(): Promise<void> {}
  async prepare(): Promise<void> {}
  async append(): Promise<void> {}

  async storageInfo(): Promise<StorageInfo> {
    return { batches: 0, bytes: 0, details: {} };
  }

  async close(): Promise<void> {}
}
