// Instances of a program on one LAN share their work: what one of them has computed, the others fetch by HTTP.
import { createHash, pbkdf2 } from "node:crypto";
import { once } from "node:events";
import { createServer, get } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Discoverer } from "whereabouts/client";

process.on("uncaughtException", ({ message }) => {
  console.error(`lan-cache: ${message}`); // one line, not a stack trace: the LAN's port is taken, for instance
  process.exit(1);
});
// Answers GET /WORD if the result is here, or if this instance is the one that has to compute it.
const server = createServer(async ({ url = "" }, response) => {
  const word = url.slice(1);
  const result = /^\w+$/.test(word) && (done.has(word) || owns(word)) ? await find(word) : undefined;
  response.writeHead(result === undefined ? 404 : 200).end(result);
});
await once(server.listen(0), "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
const discoverer = await Discoverer.start({ group: "lan-cache", port });
const me = `${Buffer.from(discoverer.nodeId)}`;
discoverer.on("error", ({ message }) => console.error(message));
discoverer.on("node", ({ nodeId, ip }) => console.log(`+ ${Buffer.from(nodeId)} at ${ip}`));
console.log(`this is ${me}: type words to get their hashes, which take a while to compute`);

/** Results, also those that are not there yet. @type {Map<string, Promise<string>>} */
const results = new Map();
const done = new Set(); // the words whose results are there
for await (const word of createInterface({ input: process.stdin })) {
  if (/^\w+$/.test(word)) console.log(`${word}: ${(await find(word)).replace(me, "here")}`);
}

/** The result, from another instance if one has it or owns the word, else from here. */
function find(/** @type {string} */ word) {
  const others = () => discoverer.nodes().map((node) => ask(node, word));
  const result = results.get(word) ?? Promise.any(others()).catch(() => compute(word));
  results.set(word, result);
  result.then(() => done.add(word));
  return result;
}
/** All instances rank each other alike, so each word has one owner, and no two of them compute it at a time. */
function owns(/** @type {string} */ word) {
  const rank = (/** @type {Uint8Array} */ id) => createHash("sha256").update(id).update(word).digest("hex");
  return discoverer.nodes().every(({ nodeId }) => rank(discoverer.nodeId) < rank(nodeId));
}
/** Asks another instance. Rejects if it has no result. */
async function ask(/** @type {import("whereabouts/client").LanNode} */ { ip, port }, /** @type {string} */ word) {
  const request = get({ host: ip, port, path: `/${word}`, signal: AbortSignal.timeout(10_000) });
  const [response] = await once(request, "response");
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`);
  return await text(response);
}
/** Stands for whatever takes a while. */
async function compute(/** @type {string} */ word) {
  const hash = await promisify(pbkdf2)(word, "", 500_000, 8, "sha256");
  return `${hash.toString("hex")}, computed at ${me}`;
}
