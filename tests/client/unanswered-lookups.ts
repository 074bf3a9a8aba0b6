/** 10,000 lookups without replies: `bun unanswered-lookups.ts PORT`. Prints open descriptors and memory growth as JSON. */
import { readdirSync } from "node:fs";
import { Discoverer } from "../../src/client/index.ts";

const descriptors = () => readdirSync("/proc/self/fd").length;

async function round(discoverer: Discoverer, name: string): Promise<void> {
  const ids = Array.from({ length: 10_000 }, (_, i) => `${name}-${i}`);
  for await (const { address } of discoverer.lookupMany(ids, { timeout: 500 })) {
    if (address) throw new Error("there was a reply");
  }
}

const before = descriptors();
const discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${process.argv[2]}`] });
// The first rounds let the heap grow to its working size.
for (let i = 0; i < 2; i++) await round(discoverer, `warm-${i}`);
Bun.gc(true);
const memory = process.memoryUsage.rss();
await round(discoverer, "round");
const during = descriptors();
Bun.gc(true);
const growth = process.memoryUsage.rss() - memory;
await discoverer.close();
console.log(JSON.stringify({ descriptors: { before, during, after: descriptors() }, growth }));
