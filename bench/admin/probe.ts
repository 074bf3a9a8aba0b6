/**
 * Asks an admin server for one thing after the other at a fixed pace, however long the replies take: `bun probe.ts JSON`, see
 * ProbeRequest. Prints the times that the replies took, as JSON, see ProbeResult.
 */
export interface ProbeRequest {
  readonly url: string;
  readonly seconds: number;
}

export interface ProbeResult {
  /** In ms, of every request that was answered. */
  readonly latencies: readonly number[];
  /** Requests that were not answered, or with a status that was not expected. */
  readonly failures: number;
}

const PACE_MS = 20;
/** A request that takes longer fails. */
const LIMIT_MS = 10_000;
const PATHS: readonly (readonly [string, number])[] = [
  ["healthz", 200],
  ["metrics", 200],
  ["api/stats", 200],
  ["api/nodes/nobody", 404],
  ["readyz", 200],
  ["api/limited", 200],
  ["api/history", 200],
  ["", 200],
];

const { url, seconds }: ProbeRequest = JSON.parse(process.argv[2]!);
const latencies: number[] = [];
const open = new Set<Promise<void>>();
let failures = 0;
let number = 0;

async function ask(): Promise<void> {
  const [path, expected] = PATHS[number % PATHS.length]!;
  // Every other round on a connection of its own.
  const keepalive = Math.floor(number++ / PATHS.length) % 2 === 0;
  const start = performance.now();
  try {
    const response = await fetch(url + path, { keepalive, signal: AbortSignal.timeout(LIMIT_MS) });
    await response.arrayBuffer();
    if (response.status === expected) latencies.push(performance.now() - start);
    else failures++;
  } catch {
    failures++;
  }
}

const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  const asked = ask().finally(() => open.delete(asked));
  open.add(asked);
  await Bun.sleep(PACE_MS);
}
await Promise.all(open);
console.log(JSON.stringify({ latencies, failures } satisfies ProbeResult));
