/**
 * The program of one host: `bun agent.ts OPTIONS`, or bundled for Node (see agents.ts). It reads orders from standard input and writes reports to
 * standard output, a line of JSON each, and ends with its standard input.
 */

import { createInterface } from "node:readline";
import { encodeAnnouncement } from "../../../src/client/codec.ts";
import { DiscoveryError } from "../../../src/client/error.ts";
import { Group } from "../../../src/client/group.ts";
import { Lan } from "../../../src/client/lan/lan.ts";
import { nodeIdKey } from "../../../src/client/node-id.ts";
import { DEFAULT_TIMINGS } from "../../../src/client/options.ts";
import { runtime as client } from "../../../src/client/sockets/index.ts";
import { nodeSockets } from "../../../src/client/sockets/node.ts";
import type { Sockets } from "../../../src/client/sockets/socket.ts";
import type { AgentOptions, Order, Report } from "./agents.ts";

const options: AgentOptions = JSON.parse(process.argv.at(-1)!);
const { nodeId, announcedPort, port, group: groupName, interfaces, timings, kind, runtime, sabotage } = options;

function report(report: Report): void {
  process.stdout.write(`${JSON.stringify({ report, time: performance.now() })}\n`);
}

if (runtime === "bun, node's sockets") client.sockets = nodeSockets;
const { share } = client.sockets;
let begin: number | undefined;
/** From its first call on: a slow start of the program must not use that time up. */
function atFirst(): boolean {
  begin ??= performance.now();
  return performance.now() - begin < 500;
}
/** Whether the host seems to lack the family. */
function lacks(family: "IPv4" | "IPv6"): boolean {
  if (sabotage === "no IPv6 at first") return family === "IPv6" && atFirst();
  return sabotage === `no ${family}`;
}
const sabotaged: Sockets["share"] = async (family, port, handlers) => {
  if (lacks(family)) throw Object.assign(new Error("address family not supported"), { code: "EAFNOSUPPORT" });
  const socket = await share(family, port, handlers);
  if (sabotage !== "nothing sent at first") return socket;
  const { send } = socket;
  return Object.assign(socket, {
    send: async (...args: Parameters<typeof send>) => {
      if (!atFirst()) await send(...args);
    },
  });
};
client.sockets = { ...client.sockets, share: sabotaged };
if (sabotage === "no sharing") {
  const udpSocket = Bun.udpSocket as (options: Record<string, unknown>) => Promise<unknown>;
  Object.assign(Bun, {
    udpSocket: (options: Record<string, unknown>) => udpSocket({ ...options, flags: Number(options.flags) & ~20 }),
  });
}

let reads = 0;
const os = process.getBuiltinModule("node:os");
const { networkInterfaces } = os;
os.networkInterfaces = () => {
  reads++;
  if (sabotage === "no list at first" && atFirst()) throw Object.assign(new Error("too many"), { code: "EMFILE" });
  return networkInterfaces();
};

let lan: Lan | undefined;
const raw: Bun.udp.Socket<"buffer">[] = [];

const group = new Group(groupName);

if (kind === "lan") {
  const wireId = group.toWire(nodeId);
  try {
    lan = await new Lan({
      port,
      interfaces,
      announcement: announcedPort === 0 ? undefined : encodeAnnouncement(wireId, announcedPort),
      group,
      ownKey: nodeIdKey(wireId),
      timings: { ...DEFAULT_TIMINGS, ...timings },
      onEvent: ({ type, nodeId, ip, port }) => report({ type, nodeId: new TextDecoder().decode(nodeId), ip, port }),
      onError: ({ code, where, message }) => report({ type: "error", code, where, message }),
      onAnnounced: (address, bytes) => report({ type: "announced", address, bytes }),
    }).open();
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    report({ type: "refused", code: error.code, message: error.message });
  }
} else {
  // A plain socket, to see the packets without the code under test.
  const open = async (hostname: string, flags: number) => {
    const udpSocket = Bun.udpSocket as (options: Record<string, unknown>) => Promise<Bun.udp.Socket<"buffer">>;
    const socket = await udpSocket({
      hostname,
      port,
      flags: kind === "unshared" ? flags & ~20 : flags,
      socket: {
        data: (_socket: unknown, datagram: Uint8Array, _port: number, ip: string) =>
          report({ type: "heard", hex: datagram.toHex(), ip }),
        error() {},
      },
    });
    raw.push(socket);
    return socket;
  };
  (await open("0.0.0.0", 20)).setBroadcast(true);
  if (kind === "listener") {
    const v6 = await open("::", 28);
    // Includes interfaces that are down.
    const links = Bun.spawnSync(["ip", "-oneline", "link"]).stdout.toString();
    for (const [, name] of links.matchAll(/^\d+: ([^:@]+)/gm)) v6.addMembership("ff02::2012:1025", `::%${name}`);
  }
}
report({ type: "ready" });

for await (const line of createInterface({ input: process.stdin })) {
  const order: Order = JSON.parse(line);
  if ("send" in order) {
    const { to } = order;
    for (const hex of order.send) {
      try {
        raw[to.includes(":") ? 1 : 0]!.send(Uint8Array.fromHex(hex), order.port ?? port, to);
      } catch {}
    }
  } else if (order.do === "announce") void lan?.announce();
  else if (order.do === "announce and close") {
    await lan!.announce();
    report({ type: "sent" });
    // This one is not waited for, and is sent all the same.
    const sent = lan!.announce();
    lan!.close();
    await sent;
    report({ type: "closed" });
  } else if (order.do === "look") report({ type: "state", nodes: lan!.nodes().length, reads, counters: lan!.counters });
}
process.exit(0);
