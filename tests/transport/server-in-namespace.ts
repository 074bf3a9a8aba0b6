/**
 * Runs in a network namespace of a test. `bun server-in-namespace.ts serve KIND HOST` runs a transport, prints its port
 * and ends when its standard input ends. `bun server-in-namespace.ts ask FROM TO PORT` announces a node, queries it,
 * and prints the reply in hex.
 */
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { type Kind, Running } from "./transports.ts";

const [command, ...rest] = process.argv.slice(2);
if (command === "serve") {
  const [kind, host] = rest as [Kind, string];
  const server = await Running.open(kind, { host });
  console.log(server.port);
  for await (const _ of Bun.stdin.stream());
} else {
  const [from, to, port] = rest as [string, string, string];
  const client = await Client.open(Number(port), to, from);
  client.send(announcement(ascii("NODE"), 4711));
  const reply = await client.ask(query(ascii("NODE")));
  console.log(reply?.toHex() ?? "no reply");
}
process.exit(0);
