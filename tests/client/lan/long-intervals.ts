/** Prints how many timers a discoverer sets within 300 ms if all its intervals are longer than the longest timer. */
import { Discoverer } from "../../../src/client/index.ts";

const month = 31 * 86_400_000;
let timers = 0;
const { setTimeout } = globalThis;
const counted = (...args: Parameters<typeof setTimeout>) => {
  timers++;
  return setTimeout(...args);
};
globalThis.setTimeout = Object.assign(counted, setTimeout);
const timings = { lanInterval: month, interfaces: month, lanRetention: month };
const discoverer = await Discoverer.start({ port: 22000, timings });
await new Promise((resolve) => setTimeout(resolve, 300));
console.log(timers);
await discoverer.close();
