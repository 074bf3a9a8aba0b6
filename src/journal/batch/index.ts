export { Batch } from "./batch.ts";
export { BatchError } from "./format.ts";
export { BatchWriter, type SealedBatch } from "./writer.ts";
