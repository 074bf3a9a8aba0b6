/**
 * `bun run bench:resilience`: how a server behaves when its workers fail and when it is flooded. Each row has the worst
 * figure of all rounds, and its target. It runs programs of tests/server/. The tests run them too, and check that nothing
 * is lost.
 */
import { join } from "node:path";
import type { PermanentFailure } from "../../tests/server/permanent-failure.ts";
import { runStall } from "../../tests/server/stalls/run.ts";
import type { UnderFlood } from "../../tests/server/under-flood.ts";
import type { WorkerFailures } from "../../tests/server/worker-failures.ts";
import { canStopThreads } from "../../tests/support/thread-stops.ts";
import { optionsOf, someOf, toggle, wholeNumber } from "../options.ts";
import { median } from "../statistics.ts";

const PROGRAMS = join(import.meta.dir, "../../tests/server");

interface Figure {
  readonly what: string;
  readonly unit: "ms" | "MB";
  readonly target: number;
  /** One value per round. */
  readonly values: number[];
}

const PARTS = ["failures", "hang", "garbage", "memory"] as const;

const options = optionsOf({
  command: "bun run bench:resilience",
  about: `How a server behaves when its workers fail and when it is flooded. Each figure is the worst of all rounds.
  failures  workers die and hang, with and without locks, and spin: how long a client waits for an answer,
            how late timers of the main thread are, how long stopping takes
  hang      a worker stands still with a lock and does not end: how long until the server has ended
            (only where ptrace is permitted)
  garbage   malformed datagrams at full speed for 20 s: how late timers are, how long stopping takes
  memory    full load for 60 s: how much resident memory grows
A control process that does nothing else measures how late its own timers are. The machine causes that delay, so it is
subtracted from the times above (except from the stop under garbage).
Exit code 1 if a target is missed.`,
  flags: {
    only: someOf({
      names: PARTS,
      value: "<part>",
      default: PARTS,
      help: `one of ${PARTS.join(", ")}; may be repeated`,
    }),
    rounds: wholeNumber({ min: 1, max: 1000, default: 1, help: "rounds" }),
    json: toggle("print one line of JSON"),
  },
});

async function run<T>(program: string, ...args: string[]): Promise<T> {
  const child = Bun.spawn([process.execPath, join(PROGRAMS, program), ...args], { stdout: "pipe", stderr: "inherit" });
  const out = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
  return JSON.parse(out);
}

const figures = new Map<string, Figure>();

function add(what: string, value: number, unit: Figure["unit"], target: number): void {
  const figure = figures.get(what) ?? { what, unit, target, values: [] };
  figure.values.push(value);
  figures.set(what, figure);
}

async function failures(transport: string, engine: string): Promise<void> {
  const { load, timerDelay, controlDelay, stopMs } = await run<WorkerFailures>("worker-failures.ts", transport, engine);
  const where = `${transport}, ${engine}, failing workers`;
  add(`${where}: longest wait of a client`, load.longest - controlDelay, "ms", 2000);
  add(`${where}: latest timer of the main thread`, timerDelay - controlDelay, "ms", 250);
  add(`${where}: stop with a worker that spins`, stopMs - controlDelay, "ms", 1000);
}

async function permanent(): Promise<void> {
  const { timerDelay, controlDelay } = await run<PermanentFailure>("permanent-failure.ts", "traps");
  add("workers fail again and again: latest timer of the main thread", timerDelay - controlDelay, "ms", 250);
}

async function hang(): Promise<void> {
  for (const engine of ["wasm", "ts"] as const) {
    const { endedMs } = await runStall(engine, "insert", 20_000);
    // A second until the worker counts as stuck, 5 s for its lock, then the stop.
    add(`${engine}, a worker hangs with a lock: until the server has ended`, endedMs, "ms", 8000);
  }
}

async function garbage(): Promise<void> {
  const { timerDelay, controlDelay, stopMs } = await run<UnderFlood>("under-flood.ts", "20", "garbage", "0");
  add("flood of garbage: latest timer of the main thread", timerDelay - controlDelay, "ms", 100);
  add("flood of garbage: stop", stopMs, "ms", 1000);
}

async function memory(): Promise<void> {
  const { rss } = await run<UnderFlood>("under-flood.ts", "60", "load", "0");
  // Medians over 20 s: while the garbage collector runs, the process holds up to 30 MB more for a second.
  add("full load: growth of resident memory", (median(rss.slice(39, 59)) - median(rss.slice(10, 30))) / 1e6, "MB", 8);
}

for (let round = 0; round < options.rounds; round++) {
  if (options.only.includes("failures")) {
    await permanent();
    await failures("udp", "wasm");
    if (process.platform === "linux") await failures("mmsg", "ts");
  }
  if (options.only.includes("hang") && (await canStopThreads())) await hang();
  if (options.only.includes("garbage")) await garbage();
  if (options.only.includes("memory")) await memory();
}

const rows = [...figures.values()].map(({ values, ...figure }) => {
  const worst = Math.round(Math.max(0, ...values) * 10) / 10;
  return { ...figure, worst, reached: worst < figure.target };
});
if (options.json) console.log(JSON.stringify({ rounds: options.rounds, rows }));
else {
  const width = Math.max(...rows.map(({ what }) => what.length));
  for (const { what, unit, worst, target, reached } of rows) {
    console.log(
      `${what.padEnd(width)}  ${`${worst} ${unit}`.padStart(10)}  target: under ${target} ${unit}, ${reached ? "reached" : "MISSED"}`,
    );
  }
}
process.exit(rows.every(({ reached }) => reached) ? 0 : 1);
