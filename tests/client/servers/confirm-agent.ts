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
const deceived = await firstAnswer(task.lookups[0]!.nodeId);
console.log(JSON.stringify([deceived, ...(await Promise.all(task.lookups.map(lookUp)))]));

/** Has a client of its own, with sockets on new ports and nothing known about attacks. */
async function lookUp({ nodeId, ...options }: ConfirmTask["lookups"][number]): Promise<number | null> {
  const discoverer = await Discoverer.start({ lan: false, servers: [`${host}:${port}`] });
  const found = await discoverer.lookup(nodeId, options);
  await discoverer.close();
  return found?.port ?? null;
}

async function firstAnswer(nodeId: string): Promise<number> {
  await using client = await Client.open(port, host, "0.0.0.0");
  client.send(query(ascii(nodeId)));
  for (;;) {
    const reply = await client.receive();
    if (reply !== undefined && Buffer.from(reply).includes(nodeId)) return new DataView(reply.buffer).getUint16(4);
  }
}
