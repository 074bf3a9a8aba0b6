/** Three hosts with three interfaces each, and three agents on each host. */
import { type Agent, type AgentProgram, endAgents, RUNTIMES } from "./agents.ts";
import { Lans } from "./network.ts";

const HOSTS = 3;
const INTERFACES = 3;
const PER_HOST = 3;

export const FLEET_TEXT = `${HOSTS * PER_HOST} programs on ${HOSTS} hosts with ${INTERFACES} interfaces each`;

/** Longer than any target, so that one sees how much a target is missed by. In ms. */
export const LONGEST_WAIT = 5_000;
/** All must know each other within this time, in ms. */
export const KNOWN_WITHIN = 3_000;

export class Fleet implements AsyncDisposable {
  /** Each has at most one node, with number 0. */
  readonly agents: readonly Agent[];
  /** Agents without a node of their own, one per runtime. */
  readonly listeners: readonly Agent[];
  readonly #lans: Lans;

  private constructor(lans: Lans, program: AgentProgram) {
    this.#lans = lans;
    this.agents = lans.hosts.flatMap((host, h) =>
      Array.from({ length: PER_HOST }, (_, i) => program.start(host, RUNTIMES[(h + i) % RUNTIMES.length]!)),
    );
    this.listeners = RUNTIMES.map((runtime) => program.start(lans.hosts[0]!, runtime));
  }

  static async start(program: AgentProgram): Promise<Fleet> {
    const fleet = new Fleet(await Lans.create(HOSTS, INTERFACES), program);
    // An answer means that the program runs: the start of a process does not count.
    await Promise.all([...fleet.agents, ...fleet.listeners].map((agent) => agent.ask("cpu", {})));
    return fleet;
  }

  /** The port that an agent's node announces. */
  portOf(agent: number): number {
    return 22_000 + agent;
  }

  async closeNodes(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.ask("close", { node: 0 })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAgents([...this.agents, ...this.listeners]);
    await this.#lans[Symbol.asyncDispose]();
  }
}
