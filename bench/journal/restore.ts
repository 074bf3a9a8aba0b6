/** What a server that starts takes to know its nodes again. */
import { BatchWriter, createJournal } from "../../src/journal/index.ts";
import { nodeId } from "../packets.ts";
import { startServer } from "../server/process.ts";

/** Puts nodes into a journal, as they come from servers that were announced to evenly over half an hour. */
export async function fillJournal(journal: string, nodes: number): Promise<void> {
  const origin = crypto.getRandomValues(new Uint8Array(8));
  const it = createJournal({ journal, prefix: "whereabouts", retentionMs: 3_600_000, origin });
  await it.prepare();
  const writer = new BatchWriter(origin);
  const address = new Uint8Array(16);
  const began = Date.now() - 1_800_000;
  for (let n = 0; n < nodes; n++) {
    address.set([255, 255, 10, n >>> 16, n >>> 8, n], 10);
    const announcedAt = began + Math.floor((n * 1_800_000) / nodes);
    writer.addEntry({ nodeId: nodeId(n), address, port: 1024 + (n % 60_000), announcedAt });
    if (writer.full) await it.append(writer.seal());
  }
  await it.append(writer.seal());
  await it.close();
}

/** Seconds for each of `rounds` servers, one after the other. */
export async function restoreSeconds(journal: string, nodes: number, rounds: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using server = await startServer(journal, ["--capacity", `${nodes}`]);
    if (server.restored !== nodes) throw new Error(`${server.restored} nodes were restored of ${nodes}`);
    seconds.push(server.restoreSeconds);
  }
  return seconds;
}
