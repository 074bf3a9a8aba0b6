/**
 * Runs the examination in a page: fetches the vectors from the page's server and leaves the result in `examination`. Starts a
 * discoverers, and leaves their errors in `clientErrors`.
 */
import { Discoverer } from "whereabouts/client";
import { type Examination, examine } from "./vectors.ts";

async function run(): Promise<Examination> {
  const response = await fetch("/vectors");
  return examine((await response.json()) as string[]);
}

const errors = [{}, { servers: ["127.0.0.1"], lan: false }, { servers: ["discovery.example"], lan: false }].map(
  async (options) => {
    try {
      const discoverer = await Discoverer.start(options);
      return await discoverer.lookup("NODE").then(String);
    } catch (error) {
      return String(error);
    }
  },
);

Object.assign(globalThis, { examination: run(), clientErrors: Promise.all(errors) });
