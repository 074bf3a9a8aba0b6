/**
 * `bun run bench:lookup`: look-ups a second of the client against our server in the same process (which handles packets in a
 * thread of its own): `lookup` one after the other, 1,000 at once, and `lookupMany` over all nodes. The ratio last.
 */
import { parseArgs } from "node:util";
import { Discoverer } from "../src/client/index.ts";
import { createCodec } from "../src/codec/index.ts";
import { DiscoveryServer } from "../src/server/index.ts";
import { announcement, nodeId } from "./packets.ts";

const AT_ONCE = 1_000;
const ONE_BY_ONE = 5_000;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const [nodes, rounds] = [values.nodes, values.rounds].map(Number) as [number, number];
if (![nodes, rounds].every((n) => Number.isInteger(n) && n > 0)) {
  console.error("usage: bun run bench:lookup [--nodes N] [--rounds N] [--json]");
  process.exit(2);
}

/** Announces all nodes, no faster than the server takes them. */
async function announceAll(server: DiscoveryServer): Promise<void> {
  const codec = createCodec();
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  for (let n = 0; n < nodes; ) {
    const stop = Math.min(nodes, n + 64);
    while (n < stop) socket.send(codec.encode(announcement(n++)), server.port, "127.0.0.1");
    while (server.stats().received < n) await Bun.sleep(0);
  }
  socket.close();
}

/** Every run has a discoverer of its own: what one found, the next must not know. */
async function perSecond(port: number, run: (discoverer: Discoverer) => Promise<number>): Promise<number> {
  await using discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${port}`] });
  const start = performance.now();
  const found = await run(discoverer);
  return found / ((performance.now() - start) / 1000);
}

async function oneByOne(discoverer: Discoverer): Promise<number> {
  const count = Math.min(nodes, ONE_BY_ONE);
  for (let n = 0; n < count; n++) if (!(await discoverer.lookup(nodeId(n)))) throw new Error(`node ${n} was not found`);
  return count;
}

async function atOnce(discoverer: Discoverer): Promise<number> {
  let count = 0;
  for (; count < Math.min(nodes, 50 * AT_ONCE); count += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => discoverer.lookup(nodeId((count + i) % nodes))));
  }
  return count;
}

async function many(discoverer: Discoverer): Promise<number> {
  let found = 0;
  for await (const { address } of discoverer.lookupMany(ids)) if (address) found++;
  if (found < nodes) throw new Error(`${nodes - found} nodes were not found`);
  return found;
}

const ids = Array.from({ length: nodes }, (_, n) => nodeId(n));
await using server = await DiscoveryServer.start({
  host: "127.0.0.1",
  port: 0,
  capacity: nodes,
  sourceRate: 1e9,
  sourceBurst: 1e9,
  nodeRate: 1e9,
  nodeBurst: 1e9,
  newRate: 0,
});
await announceAll(server);
const kinds = { "lookup, one after the other": oneByOne, "lookup, 1,000 at once": atOnce, lookupMany: many };
const results: Record<string, number[]> = {};
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(kinds)) {
    const figure = await perSecond(server.port, run);
    results[name] = [...(results[name] ?? []), figure];
    console.error(`round ${round + 1}: ${name}: ${figure.toFixed(0)} a second`);
  }
}
const median = (name: string) => results[name]!.toSorted((a, b) => a - b)[rounds >> 1]!;
const ratio = median("lookupMany") / median("lookup, one after the other");
if (values.json) console.log(JSON.stringify({ bun: Bun.version, nodes, unit: "look-ups a second", results, ratio }));
else {
  console.log(`Bun ${Bun.version}, ${navigator.hardwareConcurrency} processors, ${nodes} nodes; medians of ${rounds}`);
  for (const name of Object.keys(kinds)) console.log(`${name.padEnd(28)} ${median(name).toFixed(0)} look-ups a second`);
  console.log(`lookupMany/one after the other: ${ratio.toFixed(1)}`);
}
