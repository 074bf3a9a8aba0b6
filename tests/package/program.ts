/** Runs the examination on the vector files of its arguments. Prints the result and the URLs of the modules as JSON. */
import { readFileSync } from "node:fs";
import { examine } from "./vectors.ts";

const examination = examine(process.argv.slice(2).map((file) => readFileSync(file, "utf8")));
const modules = ["whereabouts/codec", "whereabouts/xdr"].map((name) => import.meta.resolve(name));
console.log(JSON.stringify({ examination, modules }));
