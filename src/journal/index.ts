export { Batch, BatchError, BatchWriter, type SealedBatch } from "./batch/index.ts";
export { DEVICE_RETENTION_MS, type JournalDevice } from "./device.ts";
export { DeviceMap } from "./device-map.ts";
export type { DeviceStore } from "./device-store.ts";
export type { JournalEntry } from "./entry.ts";
export {
  type Journal,
  JournalError,
  type JournalRegistry,
  type StorageInfo,
} from "./journal.ts";
export { checkJournal, createJournal, DEFAULT_PREFIX } from "./options.ts";
export { stateFolder } from "./sqlite/path.ts";
