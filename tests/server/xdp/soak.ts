/** `bun run soak:xdp`: a server with the transport xdp under load that fails again and again, in every way. */
import { readFileSync } from "node:fs";
import { optionsOf, wholeNumber } from "../../../bench/options.ts";
import { Random } from "../../support/random.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { FAULTS, type Fault, Faults } from "./faults.ts";

/** The service must be back within this time. */
const LIMIT_MS = 2000;
/** Workers that are replaced at the end, to find leaks, and some before them: Bun's memory grows at first. Each has 8 MiB of frames. */
const LEAK_ROUNDS = 12;
const WARM_UP_ROUNDS = 4;
const RECEIVE_BUFFER = 8 << 20;
/** Bun keeps some memory and mappings of threads that have ended. */
const SPARE_MAPPINGS = 10;
const SPARE_KIB = 40 * 1024;

const { rounds, queues, nodes, rate, seed } = optionsOf(
  {
    command: "bun run soak:xdp",
    about: `Makes a server with the transport xdp fail under load, again and again, between two network namespaces: kill -9 of the
server, a worker that ends, hangs, runs without end or stands still as under a debugger, and a pause of the whole server.
Exit code 1 if the service is not back within 2 s by all queues, a node is lost, a reply is wrong, or anything is left
behind: a program on the interface, a busy queue, memory or open files. Needs root.`,
    flags: {
      rounds: wholeNumber({ min: 1, default: 100, help: "how often it fails" }),
      queues: wholeNumber({ min: 1, max: 16, default: 2, help: "queues of the interface, and workers" }),
      nodes: wholeNumber({ min: 1, max: 20_000, default: 2000, help: "nodes that the server must know" }),
      rate: wholeNumber({ min: 1, default: 5000, help: "packets per second" }),
      seed: wholeNumber({ min: 1, max: 2 ** 31 - 1, default: undefined, help: "seed of the order (default: random)" }),
    },
  },
  (values) => ({ ...values, seed: values.seed ?? 1 + Math.floor(Math.random() * (2 ** 31 - 2)) }),
);
if (!hasXdp) {
  console.log(`soak:xdp: skipped: it ${NEEDS_XDP}`);
  process.exit(0);
}

/** Time in which something waited for a processor so far, in ms; NaN if the kernel does not tell. */
function waited(): number {
  try {
    return Number(/total=(\d+)/.exec(readFileSync("/proc/pressure/cpu", "utf8"))?.[1]) / 1000;
  } catch {
    return Number.NaN;
  }
}

/** Fisher-Yates. */
function shuffled<T>(items: readonly T[]): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

const random = new Random(seed);
await using faults = await Faults.create({ queues, nodes, rate, receiveBuffer: RECEIVE_BUFFER });
const others = (Object.keys(FAULTS) as Fault[]).filter((fault) => fault !== "kill");
let order: Fault[] = [];
const times: number[] = [];
const wrong: string[] = [];
const began = performance.now();
/** How busy the machine was: the part of a time in which something waited for a processor. */
const busySince = (at: number, waitedBefore: number) =>
  `${Math.round((100 * (waited() - waitedBefore)) / (performance.now() - at))} %`;
const waitedBefore = waited();
for (let round = 1; round <= rounds; round++) {
  // Each in turn, in random order; but kill -9 first. A slot whose workers fail again and again waits before the next one starts, and
  // a new server has forgotten that.
  if (order.length === 0) order = [...shuffled(others), "kill"];
  const fault = order.pop()!;
  const [from, waitedBefore] = [performance.now(), waited()];
  const { answeredMs, servedMs, missing, stats } = await faults.run(fault, round % queues);
  times.push(answeredMs);
  const faulty: string[] = [];
  if (answeredMs > LIMIT_MS) faulty.push("late");
  if (stats.xdp?.served !== queues) faulty.push("not all queues served");
  if (missing > 0) faulty.push(`${missing} nodes missing`);
  if (stats.nodes !== nodes) faulty.push(`${stats.nodes} nodes`);
  if (stats.xdp?.problem !== undefined) faulty.push(stats.xdp.problem);
  if (stats.rings !== 4 * queues) faulty.push(`${stats.rings} rings`);
  wrong.push(...faulty.map((what) => `${round}, ${fault}: ${what}`));
  console.error(
    `${round}: ${fault}: all queues served after ${servedMs} ms, every node answered after ${answeredMs} ms; ${stats.files} files, ${stats.mappings} mappings, ${stats.memory >> 10} MiB; machine busy ${busySince(from, waitedBefore)}${faulty.length > 0 ? `; WRONG: ${faulty.join("; ")}` : ""}`,
  );
}
// What each failure leaves behind would add up.
const replace = async (times: number) => {
  for (let i = 0; i < times; i++) await faults.run("throw", i % queues);
  return await faults.settled();
};
const before = await replace(WARM_UP_ROUNDS);
const after = await replace(LEAK_ROUNDS);
if (after.files > before.files) wrong.push(`${after.files} files open instead of ${before.files}`);
if (after.mappings > before.mappings + SPARE_MAPPINGS)
  wrong.push(`${after.mappings} mappings instead of ${before.mappings}`);
if (after.memory > before.memory + SPARE_KIB) wrong.push(`${after.memory} KiB of memory instead of ${before.memory}`);
const load = await faults.load();
if (load.wrong > 0) wrong.push(`${load.wrong} wrong replies`);
wrong.push(...(await faults.stop()));
times.sort((a, b) => a - b);
const [median, longest] = [times[times.length >> 1], times.at(-1)];
const busy = busySince(began, waitedBefore);
const seconds = Math.round((performance.now() - began) / 1000);
console.log(JSON.stringify({ rounds, seed, queues, median, longest, busy, ...load, wrong, seconds }));
process.exitCode = wrong.length > 0 ? 1 : 0;
