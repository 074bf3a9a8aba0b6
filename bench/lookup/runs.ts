/** The measurements, the same code in Bun and in Node: each run looks nodes up, and returns its lookups per second. */
import { Discoverer } from "../../src/client/index.ts";
import { nodeId } from "../packets.ts";

const AT_ONCE = 1_000;
const ONE_BY_ONE = 5_000;

export interface RunOptions {
  /** The server's, on 127.0.0.1. */
  readonly port: number;
  /** How many nodes the server knows. */
  readonly nodes: number;
  readonly rounds: number;
}

/** By name: the figure of each round. */
export type Figures = Record<string, number[]>;

export async function figuresOf({ port, nodes, rounds }: RunOptions, report: (line: string) => void): Promise<Figures> {
  const ids = Array.from({ length: nodes }, (_, n) => nodeId(n));
  const kinds: Record<string, (discoverer: Discoverer) => Promise<number>> = {
    "lookup, one after the other": (discoverer) => oneByOne(discoverer, Math.min(nodes, ONE_BY_ONE)),
    "lookup, 1,000 at once": (discoverer) => atOnce(discoverer, nodes),
    lookupMany: (discoverer) => many(discoverer, ids),
  };
  const figures: Figures = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(kinds)) {
      // Each run opens its own discoverer, because a discoverer caches what it found.
      const discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${port}`] });
      const start = performance.now();
      const figure = (await run(discoverer)) / ((performance.now() - start) / 1000);
      await discoverer.close();
      figures[name] = [...(figures[name] ?? []), figure];
      report(`round ${round + 1}: ${name}: ${figure.toFixed(0)} per second`);
    }
  }
  return figures;
}

async function oneByOne(discoverer: Discoverer, count: number): Promise<number> {
  for (let n = 0; n < count; n++) if (!(await discoverer.lookup(nodeId(n)))) throw new Error(`node ${n} was not found`);
  return count;
}

async function atOnce(discoverer: Discoverer, nodes: number): Promise<number> {
  let count = 0;
  for (; count < Math.min(nodes, 50 * AT_ONCE); count += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => discoverer.lookup(nodeId((count + i) % nodes))));
  }
  return count;
}

async function many(discoverer: Discoverer, ids: readonly Uint8Array[]): Promise<number> {
  let found = 0;
  for await (const { address } of discoverer.lookupMany(ids)) if (address) found++;
  if (found < ids.length) throw new Error(`${ids.length - found} nodes were not found`);
  return found;
}
