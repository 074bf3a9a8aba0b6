/**
 * A client in a virtual host, under Bun or bundled for Node. `agent.ts JSON`: the addresses of names, whether to use the sockets
 * of Node, and what to do. Prints one line of JSON with the results.
 */
import dns from "node:dns/promises";
import { Discoverer } from "../../../src/client/index.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import { nodeSockets } from "../../../src/client/sockets/node.ts";

export interface Task {
  readonly nodeSockets: boolean;
  /** Addresses by name. A name without addresses does not resolve. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly port: number;
}

export interface AddressResult {
  /** The port of the node that was looked up. */
  readonly found: number | undefined;
  /** The code of the error if the lookup was rejected. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly queries: number;
  /** The address where the announcement was confirmed, or the error. */
  readonly announced: string | undefined;
}

const task: Task = JSON.parse(process.argv[2]!);
if (task.nodeSockets) runtime.sockets = nodeSockets;
dns.lookup = (async (name: string) => {
  const addresses = task.names[name] ?? [];
  if (addresses.length > 0) return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" });
}) as unknown as typeof dns.lookup;

async function attempt(name: string): Promise<AddressResult> {
  const server = `${name}:${task.port}`;
  const seeker = await Discoverer.start({ lan: false, servers: [server] });
  let error: { code?: string; message?: string } = {};
  const found = await seeker.lookup("KNOWN").catch((reason) => {
    error = reason;
    return undefined;
  });
  const { queries } = seeker.stats().servers[server]!;
  await seeker.close();
  const node = await Discoverer.start({ lan: false, servers: [server], nodeId: name, port: 4242 });
  const announced = new Promise<string>((resolve) => {
    node.on("confirmed", ({ address }) => resolve(address));
    node.on("error", ({ message }) => resolve(message));
  });
  const result = { found: found?.port, code: error.code, message: error.message, queries, announced: await announced };
  await node.close();
  return result;
}

const names = Object.keys(task.names);
const results = await Promise.all(names.map(attempt));
console.log(JSON.stringify(Object.fromEntries(names.map((name, i) => [name, results[i]]))));
