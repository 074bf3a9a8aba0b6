/**
 * Runs the examination in a page: fetches the vectors from the page's server and leaves the result in `examination`. Starts a
 * discoverer, and leaves its error in `clientError`.
 */
import { Discoverer } from "whereabouts/client";
import { type Examination, examine } from "./vectors.ts";

async function run(): Promise<Examination> {
  const response = await fetch("/vectors");
  return examine((await response.json()) as string[]);
}

const start = async () => void (await Discoverer.start({ servers: ["127.0.0.1"], lan: false }));

Object.assign(globalThis, { examination: run(), clientError: start().catch(String) });
