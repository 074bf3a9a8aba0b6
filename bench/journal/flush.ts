/** How long replies take while very many announcements go to the journal at once. */
import { Database } from "bun:sqlite";
import { createCodec } from "../../src/codec/index.ts";
import { announcement, query } from "../packets.ts";
import { quantile, startServer } from "../server/process.ts";

const codec = createCodec();

export interface FlushFigures {
  readonly announcements: number;
  readonly replies: number;
  readonly medianMs: number;
  readonly worstMs: number;
  /** The worst of as long a time without a flush: what else keeps this machine busy. */
  readonly restMs: number;
  readonly lost: number;
}

interface Watched {
  readonly ms: number[];
  readonly lost: number;
}

/** Asks a server every 2 ms, for the nodes that it has, and takes the time until each answer. */
async function watch(port: number, ms: number): Promise<Watched> {
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

/** Holds the file up so that announcements pile up, lets go of it, and watches the replies. */
export async function flushFigures(path: string, nodes: number): Promise<FlushFigures> {
  await using server = await startServer(`sqlite:${path}`, ["--capacity", `${nodes}`]);
  const holder = new Database(path);
  holder.run("PRAGMA busy_timeout = 2000");
  holder.run("BEGIN IMMEDIATE");
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  // Twice: on a busy machine a socket's buffer overflows now and then.
  for (let sent = 0; sent < 2 * nodes; sent += 64) {
    const batch = Array.from({ length: 64 }, (_, i) => codec.encode(announcement((sent + i) % nodes)));
    socket.sendMany(batch.flatMap((packet) => [packet, server.port, "127.0.0.1"]));
    await Bun.sleep(2);
  }
  socket.close();
  const rest = await watch(server.port, 3000);
  holder.run("ROLLBACK");
  holder.close();
  // It tries again within 5 s.
  const flush = await watch(server.port, 8000);
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
