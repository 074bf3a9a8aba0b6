/**
/**
 * Runs in a network namespace of a test.
 *
 * - `serve KIND HOST` runs a transport, prints its port and ends when its standard input ends. It knows the node KNOWN, at
 *   192.0.2.7:4712.
 * - `server TRANSPORT WORKERS [HOST…]` runs a whole server in the same way. Its warnings go to standard error.
 * - `ask FROM TO PORT [NODEID]` announces a node, queries it, and prints the reply in hex.
 * - `lookups COUNT WAIT PORT ADDRESS…` sends COUNT lookups to each address, on connected sockets: they ignore replies from other
 *   addresses. Ends when no reply has come for WAIT ms. Prints as JSON how many were answered, by address.
 */
import { configure } from "@logtape/logtape";
import { createEngine, Lane } from "../../src/engine/index.ts";
import { DiscoveryServer, type TransportName } from "../../src/server/index.ts";
import { writeAddress } from "../../src/transport/address.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { engineMemory, type Kind, Running } from "./transports.ts";

const NO_LIMITS = { sourceRate: 0, nodeRate: 0, newRate: 0 };

async function untilInputEnds(): Promise<void> {
  for await (const _ of Bun.stdin.stream());
}

/** Lookups in flight. They fit into the client's receive buffer. */
const WINDOW = 32;

/** @returns how many of `count` lookups were answered. A lost one is not repeated */
async function lookups(count: number, wait: number, port: number, address: string): Promise<number> {
  const id = ascii(address);
  const reply = announcement(id, 4711).length;
  const done = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  let last = performance.now();
  const socket = await Bun.udpSocket({
    hostname: address.includes(":") ? "::" : "0.0.0.0",
    connect: { hostname: address, port },
    socket: {
      data(_socket, datagram) {
        if (datagram.length <= reply) return;
        last = performance.now();
        answered++;
        if (answered === count) done.resolve();
        else send();
      },
      error() {},
    },
  });
  const send = () => {
    if (sent < count && socket.send(query(id))) sent++;
  };
  socket.send(announcement(id, 4711));
  const lost = setInterval(() => {
    if (performance.now() - last > wait) done.resolve();
  }, 100);
  for (let i = 0; i < WINDOW; i++) send();
  await done.promise;
  clearInterval(lost);
  socket.close();
  return answered;
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
} else if (command === "server") {
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
} else if (command === "lookups") {
  const [count, wait, port] = rest.map(Number) as [number, number, number];
  const addresses = rest.slice(3);
  const answered = await Promise.all(addresses.map((address) => lookups(count, wait, port, address)));
  console.log(JSON.stringify(Object.fromEntries(addresses.map((address, i) => [address, answered[i]]))));
} else {
  const [from, to, port, nodeId = "NODE"] = rest as [string, string, string, string?];
  const client = await Client.open(Number(port), to, from);
  client.send(announcement(ascii(nodeId), 4711));
  const reply = await client.ask(query(ascii(nodeId)));
  console.log(reply?.toHex() ?? "no reply");
}
process.exit(0);
