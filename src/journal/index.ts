export { Batch, BatchError, BatchWriter, type SealedBatch } from "./batch.ts";
export type { JournalEntry } from "./entry.ts";
export { type Census, type Journal, JournalError, type JournalErrorCode, type Keeper } from "./journal.ts";
export { checkJournal, createJournal, DEFAULT_PREFIX, type JournalOptions } from "./options.ts";
export { plain, Trouble } from "./trouble.ts";
