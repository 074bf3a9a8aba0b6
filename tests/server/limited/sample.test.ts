import { describe, expect, test } from "bun:test";
import { LIMIT_NODE, LIMIT_QUERIES } from "../../../assembly/layout.ts";
import {
  createSampleBuffer,
  type LimitedPacket,
  RECORDS,
  SampleReader,
  SampleWriter,
} from "../../../src/server/limited/sample.ts";
import { writeAddress } from "../../../src/transport/address.ts";
import { Harness, UNLIMITED } from "../../support/harness.ts";
import { ascii, query } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import type { Done } from "./sample-worker.ts";

const MAX_ID = 64;

/** An engine whose sources may send one query each, and the sample of the packets that exceed this limit. */
function sampled(options: ConstructorParameters<typeof Harness>[1] = { source: { rate: 1e-6, burst: 1 } }) {
  const harness = new Harness("wasm", { ...UNLIMITED, ...options });
  const buffer = createSampleBuffer(MAX_ID);
  const writer = new SampleWriter(harness.lane, MAX_ID, buffer);
  const reader = new SampleReader(MAX_ID, buffer);
  return {
    harness,
    writer,
    words: new Int32Array(buffer),
    send(id: string, address: string) {
      harness.send(query(ascii(id)), address);
      writer.add(1);
    },
    read() {
      const packets: { limit: number; address: string; nodeId: string; weight: number }[] = [];
      reader.read(({ limit, address, nodeId }, weight) => {
        packets.push({
          limit,
          address: address.subarray(12).join("."),
          nodeId: Buffer.from(nodeId).toString(),
          weight,
        });
      });
      return packets;
    },
  };
}

describe("the sample of packets that exceeded a limit", () => {
  test("has each of them once while they are few, and none that is within limits", () => {
    const { send, read } = sampled();
    send("a", "10.0.0.1");
    expect(read()).toEqual([]);
    send("a", "10.0.0.1");
    send("a", "10.0.0.2");
    send("b", "10.0.0.2");
    const packet = (last: number) => ({ limit: LIMIT_QUERIES, address: `10.0.0.${last}`, nodeId: "", weight: 1 });
    expect(read()).toEqual([packet(1), packet(2)]);
    expect(read()).toEqual([]);
    send("a", "10.0.0.1");
    expect(read()).toEqual([packet(1)]);
  });

  test("has the NodeID, of any length, if the limit is one of NodeIDs, in a dry run too", () => {
    for (const dryRun of [false, true]) {
      const { send, read, harness } = sampled({ node: { rate: 1e-6, burst: 1 }, dryRun });
      for (const id of ["a", "abcd", "x".repeat(MAX_ID)]) {
        send(id, "10.0.0.1");
        send(id, "10.0.0.1");
        expect(harness.lane.verdict(0) === 1).toBe(dryRun);
        expect(read()).toEqual([{ limit: LIMIT_NODE, address: "10.0.0.1", nodeId: id, weight: 1 }]);
      }
    }
  });

  test("of a batch has the packets that exceeded a limit, whatever is left in other slots", () => {
    const { harness, writer, read } = sampled();
    const { lane, engine, bytes, now } = harness;
    const batch = (...sources: readonly string[]) => {
      for (const [slot, source] of sources.entries()) {
        lane.fill(slot, query(ascii("a")));
        writeAddress(source, bytes, lane.addressAt(slot));
        lane.setPort(slot, 4000);
      }
      engine.process(0, sources.length, now);
      writer.add(sources.length);
      return read().map(({ address }) => address);
    };
    expect(batch("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2")).toEqual(["10.0.0.1", "10.0.0.2"]);
    // Slot 3 still has the last packet of the batch before.
    expect(batch("10.0.0.3", "10.0.0.1", "10.0.0.4")).toEqual(["10.0.0.1"]);
  });

  test("is uniform and has a bounded size when they are many, and the weights add up to their number", () => {
    const { send, read } = sampled();
    const count = 20_000;
    // 10.0.0.1 sends a quarter of the packets; the others come from two sources, one after the other.
    for (const last of [1, 2, 3]) send("a", `10.0.0.${last}`);
    for (let i = 0; i < count; i++) send("a", `10.0.0.${i % 4 === 0 ? 1 : i < count / 2 ? 2 : 3}`);
    const packets = read();
    expect(packets).toHaveLength(RECORDS);
    expect(packets.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(count, 3);
    const share = (last: number) => packets.filter(({ address }) => address.endsWith(`.${last}`)).length / RECORDS;
    // Nine standard deviations.
    expect(Math.abs(share(1) - 0.25)).toBeLessThan(0.18);
    expect(Math.abs(share(2) - 0.375)).toBeLessThan(0.2);
    expect(read()).toEqual([]);
  });

  test("works in the other half of its buffer after a worker was killed while it wrote to one", () => {
    for (const half of [0, 1]) {
      const { send, read, words } = sampled();
      // The lock is the first word of a half.
      words[half * (words.length / 2)] = 1;
      for (let i = 0; i < 3; i++) send("a", "10.0.0.1");
      // If it is the half that the worker prefers, the worker writes to the other one.
      expect(read()).toHaveLength(2);
      expect(words[half * (words.length / 2)]).toBe(1);
    }
  });

  test(
    "neither loses nor mixes packets while one thread writes and another reads",
    async () => {
      const buffer = createSampleBuffer(MAX_ID);
      const reader = new SampleReader(MAX_ID, buffer);
      let [total, mixed, reads] = [0, 0, 0];
      // NodeID and source of each packet have the same number.
      const each = ({ address, nodeId }: LimitedPacket, weight: number) => {
        total += weight;
        const numbers = [
          new DataView(address.buffer, address.byteOffset + 12).getUint32(0),
          Number(Buffer.from(nodeId)),
        ];
        if (numbers[0] !== numbers[1]) mixed++;
      };
      const worker = new Worker(new URL("./sample-worker.ts", import.meta.url).href);
      let done: Done | undefined;
      worker.onmessage = ({ data }: MessageEvent<Done>) => {
        done = data;
      };
      worker.postMessage({ buffer, maxIdLength: MAX_ID });
      while (done === undefined) {
        for (let i = 0; i < 100; i++, reads++) reader.read(each);
        await new Promise((resolve) => setImmediate(resolve));
      }
      reader.read(each);
      worker.terminate();
      expect(mixed).toBe(0);
      expect(done.limited).toBeGreaterThan(10_000);
      expect(total).toBeCloseTo(done.limited, 1);
      expect(reads).toBeGreaterThan(100);
    },
    TEST_LIMIT_MS,
  );
});
