/**
 * The program of one host: `bun agent.ts OPTIONS` (see agents.ts). It reads orders from standard input and writes reports to
 * standard output, a line of JSON each, and ends with its standard input.
 */

import { DiscoveryError } from "../../../src/client/error.ts";
import { Group } from "../../../src/client/group.ts";
import { Lan } from "../../../src/client/lan/lan.ts";
import { nodeIdBytes, nodeIdKey } from "../../../src/client/node-id.ts";
import { DEFAULT_TIMINGS } from "../../../src/client/options.ts";
import { createCodec } from "../../../src/codec/index.ts";
import type { AgentOptions, Order, Report } from "./agents.ts";

const { nodeId, announcedPort, port, timings, kind, sabotage }: AgentOptions = JSON.parse(process.argv[2]!);

function report(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

const udpSocket = Bun.udpSocket as (options: Record<string, unknown>) => Promise<Bun.udp.Socket<"buffer">>;
if (sabotage !== undefined) {
  Object.assign(Bun, {
    udpSocket: async (options: Record<string, unknown>) => {
      if (sabotage === "no sharing") return await udpSocket({ ...options, flags: Number(options.flags) & ~20 });
      const missing = sabotage === "no IPv6 at first" ? performance.now() < 500 : true;
      if (missing && (options.hostname === "::") === (sabotage !== "no IPv4")) {
        throw Object.assign(new Error("address family not supported"), { code: "EAFNOSUPPORT" });
      }
      return await udpSocket(options);
    },
  });
}

let lan: Lan | undefined;
const raw: Bun.udp.Socket<"buffer">[] = [];

if (kind === "lan") {
  const announcement =
    announcedPort === 0
      ? undefined
      : createCodec().encode({
          type: "announcement",
          nodeId: nodeIdBytes(nodeId),
          port: announcedPort,
          ip: new Uint8Array(0),
        });
  try {
    lan = await Lan.open({
      port,
      announcement,
      group: new Group(undefined),
      ownKey: nodeIdKey(nodeIdBytes(nodeId)),
      timings: { ...DEFAULT_TIMINGS, ...timings },
      onEvent: ({ type, nodeId, ip, port }) => report({ type, nodeId: new TextDecoder().decode(nodeId), ip, port }),
      onError: ({ code, where, message }) => report({ type: "error", code, where, message }),
      onAnnounced: (address, bytes) => report({ type: "announced", address, bytes }),
    });
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    report({ type: "refused", code: error.code, message: error.message });
  }
} else {
  // A plain socket, to see the packets without the code under test.
  const open = async (hostname: string, flags: number) => {
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

for await (const line of console) {
  const order: Order = JSON.parse(line);
  if ("send" in order) {
    for (const hex of order.send) {
      try {
        raw[0]!.send(Uint8Array.fromHex(hex), order.port ?? port, order.to);
      } catch {}
    }
  } else if (order.do === "announce") lan?.announce();
  else if (order.do === "look") report({ type: "state", nodes: lan!.nodes().length, counters: lan!.counters });
}
process.exit(0);
