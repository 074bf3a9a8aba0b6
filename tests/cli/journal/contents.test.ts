import { expect, test } from "bun:test";
import { readContents } from "../../../src/cli/journal/contents.ts";
import { NodeCount } from "../../../src/cli/journal/node-count.ts";
import { Batch, BatchWriter, type Journal } from "../../../src/journal/index.ts";
import { ascii } from "../../support/packets.ts";

test("the number of different NodeIDs is estimated closely, however often each comes", () => {
  for (const nodes of [0, 1, 1000, 300_000]) {
    const count = new NodeCount();
    for (let round = 0; round < 2; round++) for (let i = 0; i < nodes; i++) count.add(ascii(`node ${i}`));
    expect(Math.abs(count.estimate - nodes)).toBeLessThanOrEqual(nodes * 0.005);
  }
});

/** A journal with the same nodes again and again, one of them with the longest NodeID. */
function repeated(nodes: number, rounds: number): Journal {
  const writer = new BatchWriter(new Uint8Array(8));
  const announcedAt = Date.now();
  for (let i = 0; i < nodes; i++) {
    const address = new Uint8Array(16).fill(9);
    const nodeId = i === 0 ? new Uint8Array(1008).fill(7) : ascii(`node ${i}`);
    writer.addEntry({ nodeId, address, port: 1, announcedAt, confirmed: true });
  }
  const batch = Batch.parse(writer.seal().bytes);
  return {
    bad: 0,
    async read({ merge }: { merge(batch: Batch, shift: number): Promise<void> }) {
      for (let round = 0; round < rounds; round++) await merge(batch, 0);
    },
    async close() {},
  } as unknown as Journal;
}

test("reading a journal takes memory for its nodes, not for its announcements", async () => {
  // A registry with room for each of these announcements would need more than 4 GiB, which is refused.
  const { nodes, announcements } = await readContents(() => repeated(8000, 520), 3_600_000);
  expect({ nodes, announcements }).toEqual({ nodes: 8000, announcements: 4_160_000 });
}, 60_000);
