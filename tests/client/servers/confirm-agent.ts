/** Looks nodes up under attack, in a virtual host: `confirm-agent.ts JSON`. Prints one line of JSON: the ports found, in order. */
import { Discoverer, type LookupOptions } from "../../../src/client/index.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import { nodeSockets } from "../../../src/client/sockets/node.ts";

export interface ConfirmTask {
  readonly nodeSockets: boolean;
  readonly server: string;
  readonly lookups: readonly ({ readonly nodeId: string } & Omit<LookupOptions, "signal">)[];
}

const task: ConfirmTask = JSON.parse(process.argv[2]!);
if (task.nodeSockets) runtime.sockets = nodeSockets;
const ports: (number | null)[] = [];
for (const { nodeId, ...options } of task.lookups) {
  // A new one each time, with sockets on new ports and nothing known about attacks.
  const discoverer = await Discoverer.start({ lan: false, servers: [task.server] });
  ports.push((await discoverer.lookup(nodeId, options))?.port ?? null);
  await discoverer.close();
}
console.log(JSON.stringify(ports));
