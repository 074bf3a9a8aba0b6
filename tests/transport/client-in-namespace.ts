/**
 * Runs in a network namespace of a test. It imports no server, so that it starts fast.
 *
 * - `ask FROM TO PORT [NODEID]` announces a node, queries it, and prints the reply in hex.
 * - `lookups COUNT WAIT PORT ADDRESS…` sends COUNT lookups to each address, on connected sockets: they ignore replies from other
 *   addresses. Ends when no reply has come for WAIT ms. Prints as JSON how many were answered, by address.
 */
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

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
if (command === "lookups") {
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
