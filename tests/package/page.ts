/** The examination in a page: it fetches the vectors from where the page came from, and leaves what it found to be read. */
import { type Examination, examine } from "./vectors.ts";

async function run(): Promise<Examination> {
  const response = await fetch("/vectors");
  return examine((await response.json()) as string[]);
}

Object.assign(globalThis, { examination: run() });
