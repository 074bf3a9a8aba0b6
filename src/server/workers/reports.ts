/** What the workers tell the control thread through shared memory, apart from the engine's counters. */

import { createSampleBuffer, SampleReader } from "../limited/sample.ts";
import { LimitedTable } from "../limited/table.ts";
import { BatchSizes, createBatchCounters } from "./batch-sizes.ts";

/** The shared buffers of one worker. A worker that replaces another one gets its own. */
export interface WorkerReport {
  readonly maxIdLength: number;
  readonly limited: SharedArrayBuffer;
  readonly batches: SharedArrayBuffer;
}

export class WorkerReports {
  /** Sizes of batches. Only as new as the last `read`. */
  readonly batches = new BatchSizes();
  /** Keys that exceeded limits. Only as new as the last `read`. */
  readonly limited: LimitedTable;
  readonly #maxIdLength: number;
  readonly #open = new Map<WorkerReport, SampleReader>();

  constructor({ maxIdLength, limitDryRun }: { readonly maxIdLength: number; readonly limitDryRun: boolean }) {
    this.#maxIdLength = maxIdLength;
    this.limited = new LimitedTable(limitDryRun);
  }

  /** Creates the buffers of a new worker. */
  open(): WorkerReport {
    const maxIdLength = this.#maxIdLength;
    const report = { maxIdLength, limited: createSampleBuffer(maxIdLength), batches: createBatchCounters() };
    this.#open.set(report, new SampleReader(maxIdLength, report.limited));
    return report;
  }

  /** Reads the buffers of a worker whose thread has ended for the last time. */
  close(report: WorkerReport): void {
    this.read();
    this.batches.close(report.batches);
    this.#open.delete(report);
  }

  /** Reads what the workers have written since the last call. */
  read(now = performance.now()): void {
    for (const [{ batches }, sample] of this.#open) {
      this.batches.read(batches);
      sample.read((packet, weight) => this.limited.add(packet, weight, now));
    }
    this.limited.trim(now);
  }
}
