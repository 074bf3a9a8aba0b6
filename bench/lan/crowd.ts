/** Many nodes on one LAN: what a node costs, and how many packets there are. */
import { join } from "node:path";
import { type Agent, type AgentProgram, endAgents, RUNTIME_NAMES, RUNTIMES } from "./agents.ts";
import type { Simulation } from "./announcers.ts";
import { Lans } from "./network.ts";
import { type Figure, figure } from "./report.ts";

export interface CrowdSize {
  /** Real and simulated ones. */
  readonly nodes: number;
  readonly real: number;
  readonly seconds: number;
  readonly quick: boolean;
}

/** Hosts of real nodes. The last host has the simulated ones. */
const HOSTS = 4;
const NODES_PER_PROGRAM = 25;
/** All nodes start within this time, in ms. */
const SPREAD = 3_000;
/** Between two announcements of a node, in ms. */
const INTERVAL = 30_000;
/** How long packets are counted after a start, in ms. */
const BURST = 10_000;
/** A node repeats its hello until 3.3 s after its start, and is answered up to 1.2 s later. In ms. */
const HELLOS = 5_000;
const JOINS = 3;
/** The longest that the nodes may take to know each other, in ms: three announcements. */
const LONGEST_WAIT = 90_000;
/** Of a processor, in percent. */
const MAX_PROCESSOR_TIME = 1;
const PORT = 22_000;

export async function measureCrowd(
  program: AgentProgram,
  size: CrowdSize,
  progress: (text: string) => void,
): Promise<Figure[]> {
  await using lans = await Lans.create(HOSTS + 1, 1);
  const groups = groupsOf(size.real);
  const agents = groups.map((_, i) =>
    program.start(lans.hosts[i % HOSTS]!, RUNTIMES[(i + Math.floor(i / HOSTS)) % RUNTIMES.length]!),
  );
  const newcomer = program.start(lans.hosts[0]!, "bun");
  try {
    const destinations = await destinationsOf(newcomer);
    const crowd = new Crowd(lans, agents, groups, size);
    return await crowd.measure(newcomer, destinations, progress);
  } finally {
    await endAgents([...agents, newcomer]);
  }
}

/** How many real nodes each program has. */
function groupsOf(real: number): number[] {
  const programs = Math.max(2, Math.ceil(real / NODES_PER_PROGRAM));
  return Array.from(
    { length: programs },
    (_, i) => Math.floor((real * (i + 1)) / programs) - Math.floor((real * i) / programs),
  );
}

/** Where a real node announces itself. */
async function destinationsOf(agent: Agent): Promise<readonly string[]> {
  await agent.ask("start", { node: 0, options: { port: PORT } });
  await Bun.sleep(500);
  const { destinations } = await agent.ask("record", { node: 0 });
  await agent.ask("close", { node: 0 });
  return destinations;
}

class Crowd {
  readonly #lans: Lans;
  readonly #agents: readonly Agent[];
  readonly #groups: readonly number[];
  readonly #size: CrowdSize;
  readonly #burst: number;

  constructor(lans: Lans, agents: readonly Agent[], groups: readonly number[], size: CrowdSize) {
    this.#lans = lans;
    this.#agents = agents;
    this.#groups = groups;
    this.#size = size;
    this.#burst = size.quick ? 1_000 : BURST;
  }

  async measure(newcomer: Agent, destinations: readonly string[], progress: (text: string) => void): Promise<Figure[]> {
    const { nodes, real, seconds, quick } = this.#size;
    const spread = quick ? 200 : SPREAD;
    progress(`crowd: ${nodes} nodes start`);
    // Only some programs send, but on the same hosts. What there is besides announcements is a packet or two of each host.
    const burst = this.#count();
    await using _simulated =
      nodes === real
        ? null
        : this.#simulate({ nodes: nodes - real, spread, interval: quick ? 1_000 : INTERVAL, destinations });
    await Promise.all(
      this.#agents.map((agent, i) => agent.ask("crowd", { node: 0, count: this.#groups[i]!, port: PORT, spread })),
    );
    const answered = Bun.sleep(HELLOS);
    const inBurst = await burst.after(this.#burst);

    progress("crowd: until all nodes know each other");
    await this.#known(quick ? 5_000 : LONGEST_WAIT);
    await answered;

    progress(`crowd: ${seconds} s without new nodes`);
    const cpuBefore = await this.#cpu();
    const steady = await this.#count().after(seconds * 1_000);
    const cpu = (await this.#cpu()).map((ms, i) => ((ms - cpuBefore[i]!) / steady.ms / this.#groups[i]!) * 100);

    const joins: number[] = [];
    const joined: number[] = [];
    for (let join = 0; join < (quick ? 1 : JOINS); join++) {
      progress(`crowd: new node ${join + 1} of ${JOINS}`);
      const packets = this.#count();
      await newcomer.ask("start", { node: join, options: { port: PORT } });
      const counted = await packets.after(this.#burst);
      joins.push(Math.max(0, counted.real - (steady.real * counted.ms) / steady.ms));
      joined.push((await newcomer.ask("count", { node: join, count: nodes, timeout: 0 })).known);
      await newcomer.ask("close", { node: join });
    }
    const known = await this.#known(0);

    const part = "crowd";
    const scale = nodes / real;
    const times = scale === 1 ? "" : `, times ${Number(scale.toFixed(1))}`;
    const burstSeconds = this.#burst / 1_000;
    const perSecond = (packets: number, ms: number) => packets / (ms / 1_000);
    return [
      figure(part, "nodes", "", [nodes]),
      figure(part, "real ones", "", [real]),
      figure(part, "nodes that a real one knows, the fewest", "", [Math.min(...known)]),
      ...RUNTIMES.map((runtime) => {
        const own = cpu.filter((_, i) => this.#agents[i]!.runtime === runtime);
        const what = `processor time of a node in ${RUNTIME_NAMES[runtime]}`;
        return figure(part, what, "% of one", own, { max: MAX_PROCESSOR_TIME });
      }),
      figure(part, "packets on the LAN", "per s", [perSecond(steady.real + steady.simulated, steady.ms)]),
      figure(part, "packets of a real node", "per s", [perSecond(steady.real / real, steady.ms)]),
      figure(part, `packets of the first ${burstSeconds} s, all nodes start${times}`, "", [inBurst.real * scale]),
      figure(
        part,
        `packets of the first ${burstSeconds} s, a node is new${times}`,
        "",
        joins.map((n) => n * scale),
      ),
      figure(part, `nodes that a new node knows after ${burstSeconds} s`, "", joined),
    ];
  }

  /** How many others each real node knows, once all know all, or after `timeout` ms. */
  async #known(timeout: number): Promise<number[]> {
    const end = performance.now() + timeout;
    const count = this.#size.nodes - 1;
    const known = this.#agents.map(async (agent, i) => {
      const counts: number[] = [];
      for (let node = 0; node < this.#groups[i]!; node++) {
        const rest = Math.max(0, end - performance.now());
        counts.push((await agent.ask("count", { node, count, timeout: rest })).known);
      }
      return counts;
    });
    return (await Promise.all(known)).flat();
  }

  /** Processor time of each program so far, in ms. */
  async #cpu(): Promise<number[]> {
    return (await Promise.all(this.#agents.map((agent) => agent.ask("cpu", {})))).map(({ ms }) => ms);
  }

  /** Counts packets from now on. */
  #count() {
    const read = () => {
      let real = 0;
      for (let host = 0; host < HOSTS; host++) real += this.#lans.packets(host).sent;
      return { real, simulated: this.#lans.packets(HOSTS).sent, ms: performance.now() };
    };
    const before = read();
    return {
      /** The packets so far, once `ms` have passed since the start. */
      async after(ms: number) {
        await Bun.sleep(Math.max(0, before.ms + ms - performance.now()));
        const now = read();
        return {
          real: now.real - before.real,
          simulated: now.simulated - before.simulated,
          ms: now.ms - before.ms,
        };
      },
    };
  }

  #simulate(simulation: Simulation): AsyncDisposable {
    const command = [process.execPath, join(import.meta.dir, "announcers.ts"), JSON.stringify(simulation)];
    const child = Bun.spawn(this.#lans.hosts[HOSTS]!.command(command), {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "inherit",
    });
    return {
      async [Symbol.asyncDispose]() {
        child.stdin.end();
        await child.exited;
      },
    };
  }
}
