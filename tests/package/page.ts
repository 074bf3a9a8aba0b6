/**
 * Runs the examination in a page: fetches the vectors from the page's server and leaves the result in `examination`.
 */
import { type Examination, examine } from "./vectors.ts";

async function run(): Promise<Examination> {
  const response = await fetch("/vectors");
  return examine((await response.json()) as string[]);
}

Object.assign(globalThis, { examination: run() });
