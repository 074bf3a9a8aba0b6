export { Batch, BatchError, BatchWriter, type SealedBatch } from "./batch/index.ts";
export { DEVICE_RETENTION_MS, type DeviceAddress, type JournalDevice } from "./device.ts";
export type { JournalEntry } from "./entry.ts";
export {
  type Journal,
  JournalError,
  type JournalRegistry,
  type StorageInfo,
} from "./journal.ts";
export { checkJournal, createJournal, DEFAULT_PREFIX } from "./options.ts";
export { stateFolder } from "./sqlite/path.ts";
