/** A thread that writes many packets into a sample, for sample.test.ts. */
import { SampleWriter } from "../../../src/server/limited/sample.ts";
import { Harness, UNLIMITED } from "../../support/harness.ts";
import { ascii, query } from "../../support/packets.ts";

declare const self: Worker;

export interface Done {
  /** Packets that exceeded a limit. */
  readonly limited: number;
}

const PACKETS = 100_000;

self.onmessage = ({ data }: MessageEvent<{ buffer: SharedArrayBuffer; maxIdLength: number }>) => {
  const harness = new Harness("wasm", { ...UNLIMITED, node: { rate: 1e-6, burst: 1 } });
  const writer = new SampleWriter(harness.lane, data.maxIdLength, data.buffer);
  for (let i = 0; i < PACKETS; i++) {
    const number = i % 1000;
    const address = `0.0.${number >>> 8}.${number & 255}`;
    harness.send(query(ascii(String(number).padStart(1 + (number % 60), "0"))), address);
    writer.add(1);
  }
  self.postMessage({ limited: harness.lane.limited } satisfies Done);
};
