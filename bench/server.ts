/**
 * `bun run bench:server`: the running server beside a bare Bun.udpSocket echo, under one load, round about: microseconds of
 * processor (user and system, all threads) for a reply, and replies a second; the ratio last. Linux: it reads /proc.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

interface Figures {
  /** Microseconds of processor for a reply. */
  cpu: number;
  perSecond: number;
  /** Queries that got no reply. */
  lost: number;
}

const HERE = import.meta.dir;
const NO_BITE = "1000000000";
const WARM_UP_SECONDS = 1;
/** Kernel ticks of user and system time, 100 a second wherever Linux runs. */
const TICK_US = 10_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    nodes: { type: "string", default: "10000" },
    engine: { type: "string", default: "wasm" },
    json: { type: "boolean", default: false },
  },
});
const [rounds, seconds, nodes] = [values.rounds, values.seconds, values.nodes].map(Number) as [number, number, number];
if (![rounds, seconds, nodes].every((n) => Number.isInteger(n) && n > 0) || !["wasm", "ts"].includes(values.engine)) {
  console.error("usage: bun run bench:server [--rounds N] [--seconds N] [--nodes N] [--engine wasm|ts] [--json]");
  process.exit(2);
}
if (!existsSync("/proc/self/stat")) {
  console.error("bench:server reads the processor time of a process in /proc, which this system does not have");
  process.exit(1);
}

/** Server and load each on a processor of its own, where that can be asked for. */
const pinned = Bun.which("taskset") !== null && navigator.hardwareConcurrency > 1;
const pin = (processor: number) => (pinned ? ["taskset", "-c", `${processor}`] : []);

const SERVER = [
  join(HERE, "../src/cli/main.ts"),
  "server",
  ...["--host", "127.0.0.1", "--port", "0", "--log-format", "json", "--engine", values.engine],
  ...["--capacity", `${nodes}`, "--journal", "memory"],
  // All limits run, and none bites.
  ...["source", "node", "new"].flatMap((limit) => [`--${limit}-rate`, NO_BITE, `--${limit}-burst`, NO_BITE]),
];
const ECHO = [join(HERE, "echo.ts")];

/** The first port that a subject names on its standard output, which is read to its end. */
function portOf(child: Bun.Subprocess<"ignore", "pipe", "inherit">): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const read = async () => {
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const port = /"port":(\d+)/.exec(text)?.[1];
      if (port) resolve(Number(port));
    }
    reject(new Error(`the subject ended before it named its port: ${text}`));
  };
  void read();
  return promise;
}

function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

async function load(
  port: number,
  seconds: number,
  preload: boolean,
): Promise<{ sent: number; replies: number; perSecond: number }> {
  const command = [...pin(1), process.execPath, join(HERE, "load.ts"), `${port}`, `${seconds}`, `${nodes}`];
  const child = Bun.spawn([...command, ...(preload ? ["preload"] : [])], { stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await child.stdout.text());
}

async function measure(script: readonly string[], preload: boolean): Promise<Figures> {
  const child = Bun.spawn([...pin(0), process.execPath, ...script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    const port = await portOf(child);
    await load(port, WARM_UP_SECONDS, preload);
    const before = ticks(child.pid);
    const { sent, replies, perSecond } = await load(port, seconds, false);
    return { cpu: ((ticks(child.pid) - before) * TICK_US) / replies, perSecond, lost: (sent - replies) / sent };
  } finally {
    child.kill();
    await child.exited;
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const results: { server: Figures; echo: Figures }[] = [];
const line = ({ cpu, perSecond, lost }: Figures) =>
  `${cpu.toFixed(2)} us a reply, ${perSecond.toFixed(0)} replies/s, ${(lost * 100).toFixed(2)} % unanswered`;
for (let round = 1; round <= rounds; round++) {
  const server = await measure(SERVER, true);
  const echo = await measure(ECHO, false);
  results.push({ server, echo });
  console.error(`round ${round}: server ${line(server)} | echo ${line(echo)}`);
}
const of = (who: "server" | "echo"): Figures => ({
  cpu: median(results.map((result) => result[who].cpu)),
  perSecond: median(results.map((result) => result[who].perSecond)),
  lost: median(results.map((result) => result[who].lost)),
});
const ratio = median(results.map(({ server, echo }) => server.cpu / echo.cpu));
if (values.json) {
  console.log(
    JSON.stringify({
      bun: Bun.version,
      engine: values.engine,
      nodes,
      rounds: results,
      server: of("server"),
      echo: of("echo"),
      ratio,
    }),
  );
} else {
  console.log(
    `Bun ${Bun.version}, ${navigator.hardwareConcurrency} processors, ${nodes} nodes, ${values.engine} engine; medians of ${rounds} rounds`,
  );
  console.log(`server  ${line(of("server"))}\necho    ${line(of("echo"))}`);
  console.log(`server/echo: ${ratio.toFixed(2)} times the processor time of a reply`);
}
