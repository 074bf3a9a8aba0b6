/** The examination as a program: reads the files that it is given, prints what it found and which modules it ran on. */
import { readFileSync } from "node:fs";
import { examine } from "./vectors.ts";

const examination = examine(process.argv.slice(2).map((file) => readFileSync(file, "utf8")));
const modules = ["whereabouts/codec", "whereabouts/xdr"].map((name) => import.meta.resolve(name));
console.log(JSON.stringify({ examination, modules }));
