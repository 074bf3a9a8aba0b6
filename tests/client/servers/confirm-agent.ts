/**
 * Looks nodes up under attack, in a virtual host: `confirm-agent.ts JSON`. Prints one line of JSON: the port in the first answer
 * that a plain socket gets for the first node, then the ports found, in order.
 */
import { Discoverer, type LookupOptions } from "../../../src/client/index.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import { nodeSockets } from "../../../src/client/sockets/node.ts";
import { Client } from "../../support/client.ts";
import { ascii, query } from "../../support/packets.ts";

export interface ConfirmTask {
  readonly nodeSockets: boolean;
  readonly server: { readonly host: string; readonly port: number };
  readonly lookups: readonly ({ readonly nodeId: string } & Omit<LookupOptions, "signal">)[];
}

const task: ConfirmTask = JSON.parse(process.argv[2]!);
if (task.nodeSockets) runtime.sockets = nodeSockets;
const { host, port } = task.server;
const ports: (number | null)[] = [await firstAnswer(task.lookups[0]!.nodeId)];
for (const { nodeId, ...options } of task.lookups) {
  // A new one each time, with sockets on new ports and nothing known about attacks.
  const discoverer = await Discoverer.start({ lan: false, servers: [`${host}:${port}`] });
  ports.push((await discoverer.lookup(nodeId, options))?.port ?? null);
  await discoverer.close();
}
console.log(JSON.stringify(ports));

async function firstAnswer(nodeId: string): Promise<number> {
  await using client = await Client.open(port, host, "0.0.0.0");
  client.send(query(ascii(nodeId)));
  for (;;) {
    const reply = await client.receive();
    if (reply !== undefined && Buffer.from(reply).includes(nodeId)) return new DataView(reply.buffer).getUint16(4);
  }
}
