/**
 * `client.ts OPTIONS`: a client in a virtual host. It answers commands ({@link ClientCommand}), and may query the nodes all the while, at a
 * steady rate.
 */
import { nodeOf } from "../../support/nodes.ts";
import { announcement, query } from "../../support/packets.ts";
import { answerCommands } from "./program.ts";

export interface ClientOptions {
  /** Addresses of the server and of the client, and the server's port. */
  readonly server: string;
  readonly from: readonly number[];
  readonly port: number;
  readonly nodes: number;
}

export type ClientCommand =
  /** Announces all nodes, each until the server knows it. */
  | { readonly do: "announce" }
  /** Asks for all nodes, each until it is answered. Answered by {@link Round}. */
  | { readonly do: "all"; readonly ms: number }
  /** Sends so many queries and announcements per second from now on; 0: no more. */
  | { readonly do: "load"; readonly rate: number }
  /** Answered by {@link Load}. */
  | { readonly do: "read" };

export interface Round {
  /** How long it took until the last one was answered. */
  readonly ms: number;
  /** Nodes that were not answered. */
  readonly missing: number;
}

/** Counts since the start. */
export interface Load {
  readonly asked: number;
  readonly answered: number;
  /** Replies that no query has. */
  readonly wrong: number;
}

/** The kernel chooses the queue by a hash of the ports: all have the same of two queues once in 2 ** 31 runs. */
const SOCKETS = 32;
const BATCH = 64;
const TICK_MS = 5;
/** One in so many packets of the load is an announcement. */
const ANNOUNCE_EVERY = 8;

const { server, from, port, nodes }: ClientOptions = JSON.parse(process.argv[2]!);
const list = Array.from({ length: nodes }, (_, n) => {
  const { id, port } = nodeOf(n);
  const reply = Buffer.from(announcement(id, port, Uint8Array.from(from)));
  return { query: query(id), announcement: announcement(id, port), reply };
});
const byPort = new Map(list.map((node, n) => [nodeOf(n).port, node]));
const unanswered = new Set<(typeof list)[number]>();
let asked = 0;
let answered = 0;
let wrong = 0;

function onReply(reply: Buffer): void {
  const node = reply.length < 6 ? undefined : byPort.get(reply.readUInt16BE(4));
  if (node === undefined || !node.reply.equals(reply)) {
    wrong++;
    return;
  }
  answered++;
  unanswered.delete(node);
}

const sockets = await Promise.all(
  Array.from({ length: SOCKETS }, () =>
    Bun.udpSocket({ hostname: "0.0.0.0", socket: { data: (_socket, reply) => onReply(reply), error() {} } }),
  ),
);
let turn = 0;

function send(packet: Uint8Array): void {
  try {
    sockets[turn++ % SOCKETS]!.send(packet, port, server);
  } catch {
    // The error of an earlier packet: nothing listened, or there was no route.
  }
}

async function all(ms: number, announce: boolean): Promise<Round> {
  const began = performance.now();
  for (const node of list) unanswered.add(node);
  while (unanswered.size > 0 && performance.now() - began < ms) {
    for (const [i, node] of [...unanswered].entries()) {
      if (announce) send(node.announcement);
      send(node.query);
      asked++;
      if (i % BATCH === BATCH - 1) await Bun.sleep(1);
    }
    await Bun.sleep(TICK_MS);
  }
  const missing = unanswered.size;
  unanswered.clear();
  return { ms: Math.round(performance.now() - began), missing };
}

let timer: Timer | undefined;

function load(rate: number): void {
  clearInterval(timer);
  if (rate === 0) return;
  const began = performance.now();
  let sent = 0;
  timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * rate;
    // Not all at once after a pause.
    sent = Math.max(sent, due - rate / 10);
    for (; sent < due; sent++) {
      const node = list[Math.floor(Math.random() * nodes)]!;
      const announces = Math.floor(sent) % ANNOUNCE_EVERY === 0;
      send(announces ? node.announcement : node.query);
      if (!announces) asked++;
    }
  }, TICK_MS);
}

console.log(JSON.stringify({ ready: true }));
await answerCommands<ClientCommand>(async (command) => {
  switch (command.do) {
    case "announce":
      return await all(30_000, true);
    case "all":
      return await all(command.ms, false);
    case "load":
      return load(command.rate);
    case "read":
      return { asked, answered, wrong } satisfies Load;
  }
});
process.exit(0);
