import { expect, test } from "bun:test";
import { SampleWriter } from "../../src/server/limited/sample.ts";
import { BatchCounter } from "../../src/server/workers/batch-sizes.ts";
import { WorkerReports } from "../../src/server/workers/reports.ts";
import { Harness, UNLIMITED } from "../support/harness.ts";
import { ascii, query } from "../support/packets.ts";

test("what a worker wrote before it ended is read, and what others write afterwards", () => {
  const reports = new WorkerReports({ maxIdLength: 64, limitDryRun: false });
  const harness = new Harness("wasm", { ...UNLIMITED, source: { rate: 1e-6, burst: 1 } });
  const exceed = (report = reports.open()) => {
    const writer = new SampleWriter(harness.lane, report.maxIdLength, report.limited);
    const batches = new BatchCounter(report.batches);
    for (let i = 0; i < 3; i++) {
      harness.send(query(ascii("NODE")));
      batches.add(1);
      writer.add(1);
    }
    return report;
  };
  const stopped = () => reports.limited.list(performance.now()).map(({ network, stopped }) => [network, stopped]);
  const other = reports.open();
  const first = exceed();
  reports.close(first);
  expect(stopped()).toEqual([["192.0.2.1/32", 2]]);
  expect(reports.batches.histogram()).toMatchObject({ counts: [3, 0, 0, 0, 0, 0, 0, 0], sum: 3 });
  exceed(first);
  exceed(other);
  reports.read();
  expect(stopped()).toEqual([["192.0.2.1/32", 5]]);
  expect(reports.batches.histogram().sum).toBe(6);
});
