/**
 * `bun run bench:lookup`: lookups per second of the client, in Bun and in Node, against our server (which handles packets in a
 * worker thread of this process): `lookup` one after the other, 1,000 `lookup` at once, and `lookupMany` over all nodes.
 */
import { join } from "node:path";
import { build } from "esbuild";
import { createCodec } from "../../src/codec/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { optionsOf, toggle, wholeNumber } from "../options.ts";
import { announcement } from "../packets.ts";
import { median } from "../statistics.ts";
import { type Figures, figuresOf, type RunOptions } from "./runs.ts";

const { nodes, rounds, json } = optionsOf({
  command: "bun run bench:lookup",
  about: `Lookups per second of the client, in Bun and in Node, against a server in the same process as Bun's client: lookup one
after the other, 1,000 lookup at once, and lookupMany over all nodes. The figures are medians of the rounds.`,
  flags: {
    nodes: wholeNumber({ min: 1, max: 10_000_000, default: 100_000, help: "nodes in the server's registry" }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: 3, help: "rounds" }),
    json: toggle("print one line of JSON"),
  },
});

/** Announces all nodes in batches. A batch of which an announcement was lost is sent again. */
async function announceAll(server: DiscoveryServer): Promise<void> {
  const codec = createCodec();
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  for (let first = 0; first < nodes; ) {
    const stop = Math.min(nodes, first + 64);
    for (let n = first; n < stop; n++) socket.send(codec.encode(announcement(n)), server.port, "127.0.0.1");
    const resendAt = performance.now() + 100;
    while (server.stats().nodes < stop && performance.now() < resendAt) await Bun.sleep(0);
    if (server.stats().nodes >= stop) first = stop;
  }
  socket.close();
}

/** @returns undefined if there is no node */
async function inNode(options: RunOptions): Promise<{ version: string; figures: Figures } | undefined> {
  const node = Bun.which("node");
  if (node === null) {
    console.error("bench:lookup: there is no node on the PATH, so there are no figures of it");
    return undefined;
  }
  const outfile = join(import.meta.dir, "..", "..", "build", "bench", "lookup.mjs");
  const entryPoints = [join(import.meta.dir, "node.ts")];
  await build({ entryPoints, bundle: true, format: "esm", platform: "node", target: "node20", outfile });
  const child = Bun.spawn([node, outfile, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  const output = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error("the client in Node failed");
  return JSON.parse(output);
}

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
const options = { port: server.port, nodes, rounds };
console.error(`Bun ${Bun.version}`);
const results = await figuresOf(options, (line) => console.error(line));
console.error("Node");
const node = await inNode(options);
const medianOf = (figures: Figures, name: string) => median(figures[name]!).toFixed(0);
if (json) console.log(JSON.stringify({ bun: Bun.version, nodes, unit: "lookups per second", results, node }));
else {
  const runtimes: [string, Figures][] = [[`Bun ${Bun.version}`, results]];
  if (node !== undefined) runtimes.push([`Node ${node.version}`, node.figures]);
  console.log(`lookups per second; ${navigator.hardwareConcurrency} processors, ${nodes} nodes; medians of ${rounds}`);
  console.log(["".padEnd(28), ...runtimes.map(([name]) => name.padStart(14))].join(""));
  for (const name of Object.keys(results)) {
    console.log([name.padEnd(28), ...runtimes.map(([, figures]) => medianOf(figures, name).padStart(14))].join(""));
  }
}
