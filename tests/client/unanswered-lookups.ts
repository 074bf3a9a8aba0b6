/** 10,000 look-ups that nobody answers: `bun unanswered-lookups.ts PORT`. Prints what they left, as JSON, and ends by itself. */
import { readdirSync } from "node:fs";
import { Discoverer } from "../../src/client/index.ts";

const descriptors = () => readdirSync("/proc/self/fd").length;

async function round(discoverer: Discoverer, name: string): Promise<void> {
  const ids = Array.from({ length: 10_000 }, (_, i) => `${name}-${i}`);
  for await (const { address } of discoverer.lookupMany(ids, { timeout: 500 })) {
    if (address) throw new Error("somebody answered");
  }
}

const before = descriptors();
const discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${process.argv[2]}`] });
// The first rounds make the engine and its heap as large as they get.
for (let i = 0; i < 2; i++) await round(discoverer, `warm-${i}`);
Bun.gc(true);
const memory = process.memoryUsage.rss();
await round(discoverer, "round");
const during = descriptors();
Bun.gc(true);
const growth = process.memoryUsage.rss() - memory;
await discoverer.close();
console.log(JSON.stringify({ descriptors: { before, during, after: descriptors() }, growth }));
