/** The client in Node: `node.mjs OPTIONS`. main.ts bundles this file first. Prints the figures as JSON. */
import { figuresOf } from "./runs.ts";

const figures = await figuresOf(JSON.parse(process.argv[2]!), (line) => console.error(line));
console.log(JSON.stringify({ version: process.versions.node, figures }));
