/** How long replies take while a server writes many announcements to the journal at once. */
import { Database } from "bun:sqlite";
import { createCodec } from "../../src/codec/index.ts";
import { announcement, query } from "../packets.ts";
import { quantile } from "../statistics.ts";
import { startServer } from "./processes.ts";

const codec = createCodec();

export interface FlushFigures {
  readonly announcements: number;
  readonly replies: number;
  readonly medianMs: number;
  readonly worstMs: number;
  /** The longest reply time without a flush, as a control: it shows how busy the machine is with other work. */
  readonly restMs: number;
  readonly lost: number;
}

interface ReplyTimes {
  readonly ms: number[];
  /** Queries without a reply. */
  readonly lost: number;
}

/** Sends a query for a known node every 2 ms, and measures the time to each reply. */
async function replyTimes(port: number, ms: number): Promise<ReplyTimes> {
  const waiting = new Map<string, number>();
  const found: number[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(_socket, reply) {
        const id = reply.subarray(12, 64).toString("latin1");
        const asked = waiting.get(id);
        if (asked === undefined) return;
        found.push(performance.now() - asked);
        waiting.delete(id);
      },
      error() {},
    },
  });
  const end = performance.now() + ms;
  for (let n = 0; performance.now() < end; n++) {
    const { nodeId } = query(n);
    waiting.set(Buffer.from(nodeId).toString("latin1"), performance.now());
    socket.send(codec.encode(query(n)), port, "127.0.0.1");
    await Bun.sleep(2);
  }
  await Bun.sleep(500);
  socket.close();
  return { ms: found, lost: waiting.size };
}

/** Locks the journal's file so that announcements pile up, then unlocks it and measures replies during the flush. */
export async function flushFigures(path: string, nodes: number): Promise<FlushFigures> {
  await using server = await startServer(`sqlite:${path}`, ["--capacity", `${nodes}`]);
  const blocker = new Database(path);
  blocker.run("PRAGMA busy_timeout = 2000");
  blocker.run("BEGIN IMMEDIATE");
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  // Announces all nodes twice: on a busy machine some packets are lost to a full socket buffer.
  for (let sent = 0; sent < 2 * nodes; sent += 64) {
    const batch = Array.from({ length: 64 }, (_, i) => codec.encode(announcement((sent + i) % nodes)));
    socket.sendMany(batch.flatMap((packet) => [packet, server.port, "127.0.0.1"]));
    await Bun.sleep(2);
  }
  socket.close();
  const rest = await replyTimes(server.port, 3000);
  blocker.run("ROLLBACK");
  blocker.close();
  // The server retries the flush within 5 s.
  const flush = await replyTimes(server.port, 8000);
  const written = new Database(path, { readonly: true });
  const { entries } = written.query<{ entries: number }, []>("SELECT total(entries) AS entries FROM batch").get()!;
  written.close();
  if (entries < nodes * 0.99) throw new Error(`only ${entries} of ${nodes} announcements were written`);
  return {
    announcements: nodes,
    replies: flush.ms.length,
    medianMs: quantile(flush.ms, 0.5),
    worstMs: Math.max(...flush.ms),
    restMs: Math.max(...rest.ms),
    lost: flush.lost,
  };
}
