/**
/**
 * Runs in a network namespace of a test.
 *
 * - `serve KIND HOST` runs a transport, prints its port and ends when its standard input ends. It knows the node KNOWN, at
 *   192.0.2.7:4712.
 * - `server TRANSPORT WORKERS [HOST…]` runs a whole server in the same way. Its warnings go to standard error.
 */
import { configure } from "@logtape/logtape";
import { createEngine, Lane } from "../../src/engine/index.ts";
import { DiscoveryServer, type TransportName } from "../../src/server/index.ts";
import { writeAddress } from "../../src/transport/address.ts";
import { announcement, ascii } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { engineMemory, type Kind, Running } from "./transports.ts";

const NO_LIMITS = { sourceRate: 0, nodeRate: 0, newRate: 0 };

async function untilInputEnds(): Promise<void> {
  for await (const _ of Bun.stdin.stream());
}

setTimeout(() => process.exit(1), 2 * TEST_LIMIT_MS);
const [command, ...rest] = process.argv.slice(2);
if (command === "serve") {
  const [kind, host] = rest as [Kind, string];
  const memory = engineMemory(2);
  const lane = new Lane(memory, 1);
  lane.fill(0, announcement(ascii("KNOWN"), 4712));
  writeAddress("192.0.2.7", lane.bytes, lane.addressAt(0));
  lane.setPort(0, 4000);
  createEngine("wasm", memory, 1).process(1, 1, Date.now());
  const server = await Running.open(kind, { hosts: [host], memory });
  console.log(server.port);
  await untilInputEnds();
} else {
  const [transport, workers, ...host] = rest as [TransportName, string, ...string[]];
  await configure({
    sinks: { error: ({ message }) => console.error(message.join("")) },
    loggers: [{ category: [], lowestLevel: "warning", sinks: ["error"] }],
  });
  const hosts = host.length > 0 ? { host } : {};
  const server = await DiscoveryServer.start({ transport, workers: Number(workers), port: 0, ...hosts, ...NO_LIMITS });
  console.log(server.port);
  await untilInputEnds();
  await server.stop();
}
process.exit(0);
