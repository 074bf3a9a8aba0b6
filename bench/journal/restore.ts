/** How long a starting server takes to restore its nodes from the journal. */
import { BatchWriter, createJournal } from "../../src/journal/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { nodeId } from "../packets.ts";
import { startServer } from "./processes.ts";

/** Fills a journal with nodes that were announced evenly over the last half hour. */
export async function fillJournal(journal: string, nodes: number): Promise<void> {
  const origin = crypto.getRandomValues(new Uint8Array(8));
  const target = createJournal({ journal, prefix: "whereabouts", retentionMs: 3_600_000, origin, clock: new Clock() });
  await target.prepare();
  const writer = new BatchWriter(origin);
  const address = new Uint8Array(16);
  const began = Date.now() - 1_800_000;
  for (let n = 0; n < nodes; n++) {
    address.set([255, 255, 10, n >>> 16, n >>> 8, n], 10);
    const announcedAt = began + Math.floor((n * 1_800_000) / nodes);
    writer.addEntry({ nodeId: nodeId(n), address, port: 1024 + (n % 60_000), announcedAt, confirmed: true });
    if (writer.full) await target.append(writer.seal());
  }
  await target.append(writer.seal());
  await target.close();
}

/** Starts `rounds` servers one after the other. @returns the seconds each took to restore the journal */
export async function restoreSeconds(journal: string, nodes: number, rounds: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using server = await startServer(journal, ["--capacity", `${nodes}`]);
    if (server.restored !== nodes) throw new Error(`${server.restored} of ${nodes} nodes were restored`);
    seconds.push(server.restoreSeconds);
  }
  return seconds;
}
