/**
 * `bun bench`: what the codec and the packet engine cost, side by side in wasm, in the TypeScript twin, in the TypeScript that
 * most would write, and, for the codec, with @stellar/js-xdr. A table of nanoseconds a packet, and a short one of ratios last.
 */
import { parseArgs } from "node:util";
import { benchCodec } from "./codec.ts";
import { benchEngine } from "./engine.ts";
import { type Row, ratios, table } from "./measure.ts";

const USAGE = "usage: bun bench [--only codec|engine] [--nodes N] [--json]";

function options() {
  const { values } = parseArgs({
    options: { only: { type: "string" }, nodes: { type: "string" }, json: { type: "boolean", default: false } },
  });
  const nodes = values.nodes === undefined ? [10_000, 1_000_000] : [Number(values.nodes)];
  if (!nodes.every((n) => Number.isInteger(n) && n >= 5))
    throw new Error("--nodes must be a whole number of 5 or more");
  if (values.only !== undefined && !["codec", "engine"].includes(values.only)) {
    throw new Error("--only must be codec or engine");
  }
  return { ...values, nodes };
}

function parse() {
  try {
    return options();
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

const { only, nodes, json } = parse();
const rows: Row[] = [];
const report = (row: Row) => {
  rows.push(row);
  if (!json) console.error(`${row.ns.toFixed(1).padStart(9)} ns  ${row.who}: ${row.what}`);
};
if (only !== "engine") await benchCodec(report);
const engine: Row[] = [];
if (only !== "codec") {
  await benchEngine(nodes, (row) => {
    engine.push(row);
    report(row);
  });
}

if (json) console.log(JSON.stringify({ bun: Bun.version, unit: "ns a packet, median", rows }));
else {
  const codec = rows.filter((row) => !engine.includes(row));
  console.log(`\nBun ${Bun.version}, ${navigator.hardwareConcurrency} processors; nanoseconds a packet, medians`);
  for (const part of [codec, engine]) if (part.length > 0) console.log(`\n${table(part, (row) => row.ns.toFixed(1))}`);
  console.log("\nTimes as long as wasm takes");
  for (const part of [codec, engine]) if (part.length > 0) console.log(`\n${ratios(part, "wasm")}`);
}
