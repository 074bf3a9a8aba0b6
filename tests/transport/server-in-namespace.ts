/**
 * Runs in a network namespace of a test. `bun server-in-namespace.ts serve KIND HOST` runs a transport, prints its port
 * and ends when its standard input ends. It knows the node KNOWN, at 192.0.2.7:4712. `bun server-in-namespace.ts ask FROM
 * TO PORT NODEID` announces a node, queries it, and prints the reply in hex.
 */
import { createEngine, Lane } from "../../src/engine/index.ts";
import { writeAddress } from "../../src/transport/address.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { engineMemory, type Kind, Running } from "./transports.ts";

const [command, ...rest] = process.argv.slice(2);
if (command === "serve") {
  const [kind, host] = rest as [Kind, string];
  const memory = engineMemory(2);
  const lane = new Lane(memory, 1);
  lane.fill(0, announcement(ascii("KNOWN"), 4712));
  writeAddress("192.0.2.7", lane.bytes, lane.addressAt(0));
  lane.setPort(0, 4000);
  createEngine("wasm", memory, 1).process(1, 1, Date.now());
  const server = await Running.open(kind, { host, memory });
  console.log(server.port);
  for await (const _ of Bun.stdin.stream());
} else {
  const [from, to, port, nodeId] = rest as [string, string, string, string];
  const client = await Client.open(Number(port), to, from);
  client.send(announcement(ascii(nodeId), 4711));
  const reply = await client.ask(query(ascii(nodeId)));
  console.log(reply?.toHex() ?? "no reply");
}
process.exit(0);
