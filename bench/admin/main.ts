/**
 * `bun run bench:admin`: how long admin requests take while the server is flooded with packets, and what the open page
 * costs the packets.
 */
import { join } from "node:path";
import type { TransportName } from "../../src/server/index.ts";
import { loadLibc } from "../../src/transport/libc.ts";
import { SOCKET_TRANSPORTS } from "../../tests/support/transports.ts";
import { optionsOf, seconds, someOf, toggle, wholeNumber } from "../options.ts";
import { FIRST_IN_LINE } from "../processes.ts";
import { machine, machineLine, place } from "../server/machine.ts";
import { endAll, Loaders, Server } from "../server/subject.ts";
import { median, sum } from "../statistics.ts";
import type { ClientsRequest } from "./clients.ts";
import type { ProbeRequest, ProbeResult } from "./probe.ts";
import { type CostRow, type LatencyRow, latencyRow, table, targetLine, targets } from "./report.ts";

const STREAMS = 200;
const CLIENTS = ["none", "streams", "hostile"] as const;
type Clients = (typeof CLIENTS)[number];

const options = optionsOf(
  {
    command: "bun run bench:admin",
    about: `Two measurements. First: how long admin requests take while packets keep all processors busy, alone and beside other
clients. Second: what the page's stream costs a hit: the processor
time that the other threads of the server need more per hit with the stream than without, in turns, beside the time of a
whole hit. (The whole time itself varies by several percent from round to round.) Linux only.`,
    flags: {
      transport: someOf({
        names: SOCKET_TRANSPORTS,
        value: "<list>",
        default: SOCKET_TRANSPORTS,
        help: "udp, mmsg (default: both)",
      }),
      clients: someOf({
        names: CLIENTS,
        value: "<list>",
        default: CLIENTS,
        help: `other clients of the admin server beside the measured one (default: all in turn)
none: none
streams: ${STREAMS} that want a stream of events
hostile: these, half requests, streams that nobody reads, huge headers, floods of requests`,
      }),
      seconds: seconds({ default: undefined, help: "length of each measurement (default: 10; of the cost: 3)" }),
      rounds: wholeNumber({ min: 1, max: 10_000, default: undefined, help: "rounds of the cost (default: 9)" }),
      quick: toggle("one second each, one round: rough figures"),
      json: toggle("print one line of JSON"),
    },
  } as const,
  ({ seconds, rounds, quick, ...rest }) => ({
    ...rest,
    latencySeconds: seconds ?? (quick ? 1 : 10),
    costSeconds: seconds ?? (quick ? 0.5 : 3),
    rounds: rounds ?? (quick ? 1 : 9),
  }),
);

const NODES = 10_000;
/** How long the load runs before and after the requests that are measured. */
const LEAD_SECONDS = 0.3;
/** Limits so high that the limiter runs, but drops no packet. */
const AMPLE = { sourceRate: 1e9, sourceBurst: 1e9, nodeRate: 1e9, nodeBurst: 1e9, newRate: 1e9, newBurst: 1e9 };
const script = (name: string) => join(import.meta.dir, name);

async function startServer(transport: TransportName, workers: number, pin: readonly string[]): Promise<Server> {
  const server = await Server.start(pin, { ...AMPLE, transport, workers, capacity: NODES, admin: true });
  const fill = { port: server.port, nodes: NODES, what: "hit", seconds: 0, seed: 0, preload: true } as const;
  await new Loaders([], 1, 1).run(fill);
  return server;
}

async function probe(request: ProbeRequest): Promise<ProbeResult> {
  const command = [...FIRST_IN_LINE, process.execPath, script("probe.ts"), JSON.stringify(request)];
  return JSON.parse(await Bun.spawn(command, { stdout: "pipe", stderr: "inherit" }).stdout.text());
}

async function startClients(request: ClientsRequest): Promise<AsyncDisposable> {
  const command = [process.execPath, script("clients.ts"), JSON.stringify(request)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  // The line that says that all are connected.
  await child.stdout.getReader().read();
  return { [Symbol.asyncDispose]: stop };
}

/** A worker and a load generator for each processor. */
async function latency(transport: TransportName, clients: Clients): Promise<LatencyRow> {
  const { processors } = machine();
  await using server = await startServer(transport, processors, []);
  const url = server.url!;
  const streams = clients === "none" ? 0 : STREAMS;
  const hostile = clients === "hostile";
  await using _clients = await startClients({ url, streams, hostile });
  const loaders = new Loaders([], processors, processors);
  const before = await server.stats();
  const load = loaders.run({
    port: server.port,
    nodes: NODES,
    what: "hit",
    seconds: options.latencySeconds + 2 * LEAD_SECONDS,
    seed: 1,
  });
  await Bun.sleep(LEAD_SECONDS * 1000);
  const { latencies, failures } = await probe({ url, seconds: options.latencySeconds });
  await load;
  const after = await server.stats();
  const packetsPerSecond = (after.received - before.received) / (after.uptime - before.uptime);
  const replaced = after.replaced - before.replaced;
  return latencyRow({ transport, streams, hostile, failures, packetsPerSecond, replaced }, latencies);
}

/** Processor time per hit, in microseconds: of all threads, and of all but the packet worker, which is the busiest. */
interface HitTimes {
  readonly all: number;
  readonly others: number;
}

/** Alternates which of the two is measured first. */
async function cost(transport: TransportName): Promise<CostRow> {
  const placement = place(1);
  await using server = await startServer(transport, 1, placement.server);
  const loaders = new Loaders(placement.load, 1, 1);
  const hit = async (seed: number): Promise<HitTimes> => {
    const before = server.threads();
    const seconds = options.costSeconds;
    const { replies } = await loaders.run({ port: server.port, nodes: NODES, what: "hit", seconds, seed });
    const used = [...server.threads()].map(([thread, time]) => time - (before.get(thread) ?? 0));
    const all = sum(used);
    return { all: all / replies, others: (all - Math.max(...used)) / replies };
  };
  const withPage = async (seed: number) => {
    const page = new AbortController();
    const { body } = await fetch(`${server.url}api/events`, { signal: page.signal });
    const reading = Array.fromAsync(body!).catch(() => {});
    const figure = await hit(seed);
    page.abort();
    await reading;
    return figure;
  };
  await hit(0);
  const ratios: number[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const pageFirst = round % 2 === 0;
    const first = pageFirst ? await withPage(round) : await hit(round);
    const second = pageFirst ? await hit(round) : await withPage(round);
    const [page, plain] = pageFirst ? [first, second] : [second, first];
    ratios.push(1 + (page.others - plain.others) / plain.all);
  }
  return { transport, ratios };
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
try {
  loadLibc();
} catch {
  console.error(`bench:admin: needs Linux on x64 or arm64; this is ${process.platform} on ${process.arch}`);
  process.exit(1);
}

const host = machine();
const latencies: LatencyRow[] = [];
const costs: CostRow[] = [];
for (const transport of options.transport) {
  for (const clients of options.clients) {
    const row = await latency(transport, clients);
    latencies.push(row);
    const { medianMs, p99Ms } = row;
    console.error(`${transport}, clients: ${clients}: median ${medianMs.toFixed(1)} ms, 99 % ${p99Ms.toFixed(1)} ms`);
  }
  const row = await cost(transport);
  costs.push(row);
  console.error(`${transport}: cost of a hit with the page open / without: ${median(row.ratios).toFixed(3)}`);
}

const reached = targets(latencies, costs);
if (options.json) {
  console.log(JSON.stringify({ host, latencies, costs, targets: reached }));
} else {
  console.log(["", machineLine(host), "", table(latencies), "", ...reached.map(targetLine)].join("\n"));
}
