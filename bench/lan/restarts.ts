/** Restarts: one node after another is closed and started again, with the NodeID that the others know or with a new random one. */
import { type Fleet, KNOWN_WITHIN } from "./fleet.ts";
import { type Figure, figure } from "./report.ts";

const KINDS = ["same NodeID", "random NodeID"] as const;
type Kind = (typeof KINDS)[number];

export async function measureRestarts(
  fleet: Fleet,
  restarts: number,
  progress: (text: string) => void,
): Promise<Figure[]> {
  const { agents } = fleet;
  const start = (i: number, nodeId?: string) =>
    agents[i]!.ask("start", { node: 0, options: { port: fleet.portOf(i), ...(nodeId !== undefined && { nodeId }) } });
  const ids = (await Promise.all(agents.map((_, i) => start(i)))).map(({ nodeId }) => nodeId);
  const missing = async (i: number, expected: readonly string[]) =>
    (await agents[i]!.ask("await", { node: 0, ids: expected, timeout: KNOWN_WITHIN })).missing.length;
  const without = (i: number) => ids.filter((_, other) => other !== i);
  await Promise.all(agents.map((_, i) => missing(i, without(i))));

  const ms: Record<Kind, number[]> = { "same NodeID": [], "random NodeID": [] };
  const lost: Record<Kind, number> = { "same NodeID": 0, "random NodeID": 0 };
  for (let restart = 0; restart < restarts; restart++) {
    progress(`restarts: ${restart + 1} of ${restarts}`);
    const kind = KINDS[restart % KINDS.length]!;
    const i = Math.floor(restart / KINDS.length) % agents.length;
    await agents[i]!.ask("close", { node: 0 });
    ids[i] = (await start(i, kind === "same NodeID" ? ids[i] : undefined)).nodeId;
    const unknown = await Promise.all(agents.map((_, n) => missing(n, n === i ? without(i) : [ids[i]!])));
    const { called, seen } = await agents[i]!.ask("record", { node: 0 });
    const seenAt = without(i).map((id) => seen[id] ?? Number.POSITIVE_INFINITY);
    lost[kind] += unknown.reduce((sum, n) => sum + n, 0);
    ms[kind].push(Math.max(...seenAt) - called);
  }
  await fleet.closeNodes();
  return KINDS.filter((kind) => ms[kind].length > 0).flatMap((kind) => [
    figure("restarts", `${kind}: not known in time`, "", [lost[kind]], { max: 0 }),
    figure("restarts", `${kind}: until it knows all others`, "ms", ms[kind], { max: KNOWN_WITHIN }),
  ]);
}
