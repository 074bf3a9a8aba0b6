/** The first lookup of a program that announces nothing, right after its start. */
import { RUNTIME_NAMES } from "./agents.ts";
import type { Fleet } from "./fleet.ts";
import { type Figure, figure } from "./report.ts";

/** Nodes answer newcomers at most once a second. So each lookup starts as if it were the only one. In ms. */
const BETWEEN_LOOKUPS = 1_200;

export async function measureLookups(
  fleet: Fleet,
  lookups: number,
  progress: (text: string) => void,
): Promise<Figure[]> {
  const ids = await Promise.all(
    fleet.agents.map(async (agent, i) => {
      const { nodeId } = await agent.ask("start", { node: 0, options: { port: fleet.portOf(i) } });
      return nodeId;
    }),
  );
  const ms = fleet.listeners.map((): number[] => []);
  for (let lookup = 0; lookup < lookups; lookup++) {
    progress(`lookups: ${lookup + 1} of ${lookups}`);
    await Bun.sleep(BETWEEN_LOOKUPS);
    const listener = lookup % fleet.listeners.length;
    const result = await fleet.listeners[listener]!.ask("lookup", { nodeId: ids[lookup % ids.length]! });
    ms[listener]!.push(result.found ? result.ms : Number.POSITIVE_INFINITY);
  }
  await fleet.closeNodes();
  return fleet.listeners.flatMap(({ runtime }, i) =>
    ms[i]!.length === 0 ? [] : [figure("first lookup", `program in ${RUNTIME_NAMES[runtime]}`, "ms", ms[i]!)],
  );
}
