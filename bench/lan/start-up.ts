/** Start-up: all programs start within a tenth of a second, in random order. */
import type { NodeRecord } from "./agent.ts";
import { type Fleet, KNOWN_WITHIN, LONGEST_WAIT } from "./fleet.ts";
import { type Figure, figure } from "./report.ts";

/** The starts of a round are spread over this time, in ms. */
const SPREAD = 100;
/** Packets of a round that are still under way must not reach the next one. In ms. */
const BETWEEN_ROUNDS = 100;

const TARGETS = {
  first: { median: 300, p99: 1_500 },
  all: { max: KNOWN_WITHIN },
} as const;

export async function measureStartUp(
  fleet: Fleet,
  rounds: number,
  progress: (text: string) => void,
): Promise<Figure[]> {
  const steps: Steps = { opened: [], announced: [], other: [], first: [], all: [] };
  for (let round = 0; round < rounds; round++) {
    progress(`start-up: round ${round + 1} of ${rounds}`);
    const ids = fleet.agents.map((_, i) => `ROUND-${round}-NODE-${i}`);
    await Promise.all(
      fleet.agents.map(async (agent, i) => {
        const options = { nodeId: ids[i]!, port: fleet.portOf(i) };
        await agent.ask("start", { node: 0, options, delay: Math.random() * SPREAD });
        await agent.ask("await", { node: 0, ids: ids.filter((id) => id !== ids[i]), timeout: LONGEST_WAIT });
      }),
    );
    // Not before all know each other: until then nodes announce themselves.
    const records = await Promise.all(fleet.agents.map((agent) => agent.ask("record", { node: 0 })));
    await fleet.closeNodes();
    addSteps(steps, ids, records);
    await Bun.sleep(BETWEEN_ROUNDS);
  }
  const part = "start-up";
  return [
    figure(part, "first other node known", "ms", steps.first, TARGETS.first),
    figure(part, "all other nodes known", "ms", steps.all, TARGETS.all),
    figure(part, "step: the LAN is open", "ms", steps.opened),
    figure(part, "step: own announcement sent", "ms", steps.announced),
    figure(part, "step: another node has sent one", "ms", steps.other),
  ];
}

/** A value per node and round, in ms since its start. */
type Steps = Record<"opened" | "announced" | "other" | "first" | "all", number[]>;

/** Of two nodes, neither can see the other before both have started: the later start counts. */
function addSteps(steps: Steps, ids: readonly string[], records: readonly NodeRecord[]): void {
  for (const [i, { called, opened, announced, seen }] of records.entries()) {
    const others = records.filter((_, other) => other !== i);
    const otherIds = ids.filter((_, other) => other !== i);
    const possible = Math.max(called, Math.min(...others.map((other) => other.called)));
    const seenAfter = otherIds.map((id, other) => {
      const at = seen[id] ?? Number.POSITIVE_INFINITY;
      return { at, ms: at - Math.max(called, others[other]!.called) };
    });
    const sent = others.flatMap((other) => other.announced).filter((at) => at >= called);
    steps.opened.push(opened - called);
    steps.announced.push(Math.min(...announced) - called);
    steps.other.push(Math.min(...sent) - possible);
    steps.first.push(Math.min(...seenAfter.map(({ at }) => at)) - possible);
    steps.all.push(Math.max(...seenAfter.map(({ ms }) => ms)));
  }
}
