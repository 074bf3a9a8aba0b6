/**
 * `bun run bench:lookup`: lookups per second of the client against our server in the same process (the server handles
 * packets in a worker thread): `lookup` one after the other, 1,000 `lookup` at once, and `lookupMany` over all nodes.
 */
import { Discoverer } from "../src/client/index.ts";
import { createCodec } from "../src/codec/index.ts";
import { DiscoveryServer } from "../src/server/index.ts";
import { optionsOf, toggle, wholeNumber } from "./options.ts";
import { announcement, nodeId } from "./packets.ts";
import { median } from "./statistics.ts";

const AT_ONCE = 1_000;
const ONE_BY_ONE = 5_000;

const { nodes, rounds, json } = optionsOf({
  command: "bun run bench:lookup",
  about: `Lookups per second of the client against a server in the same process: lookup one after the other,
1,000 lookup at once, and lookupMany over all nodes. The figures are medians of the rounds.`,
  flags: {
    nodes: wholeNumber({ min: 1, max: 10_000_000, default: 100_000, help: "nodes in the server's registry" }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: 3, help: "rounds" }),
    json: toggle("print one line of JSON"),
  },
});

/** Announces all nodes. Waits for the server after each batch, so that no announcement is lost. */
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

/** Each run opens its own discoverer, because a discoverer caches what it found. */
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
    console.error(`round ${round + 1}: ${name}: ${figure.toFixed(0)} per second`);
  }
}
const medianOf = (name: string) => median(results[name]!);
const ratio = medianOf("lookupMany") / medianOf("lookup, one after the other");
if (json) console.log(JSON.stringify({ bun: Bun.version, nodes, unit: "lookups per second", results, ratio }));
else {
  console.log(`Bun ${Bun.version}, ${navigator.hardwareConcurrency} processors, ${nodes} nodes; medians of ${rounds}`);
  for (const name of Object.keys(kinds))
    console.log(`${name.padEnd(28)} ${medianOf(name).toFixed(0)} lookups per second`);
  console.log(`lookupMany is ${ratio.toFixed(1)} times as fast as lookup, one after the other`);
}
