/** The LAN as a stream of events. */
import type { Discoverer } from "./discoverer.ts";
import type { LanEvent } from "./types.ts";

/** @param ends where the stream leaves the function that ends it, while it lasts. */
export async function* watch(
  discoverer: Discoverer,
  signal: AbortSignal | undefined,
  ends: Set<() => void>,
): AsyncGenerator<LanEvent> {
  let events: LanEvent[] = discoverer.nodes().map((node) => ({ ...node, type: "node" as const }));
  let ended = signal?.aborted ?? false;
  let wake = () => {};
  const add = (event: LanEvent) => {
    events.push(event);
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };
  const off = (["node", "moved", "gone"] as const).map((name) => discoverer.on(name, add));
  signal?.addEventListener("abort", end, { once: true });
  ends.add(end);
  try {
    while (!ended) {
      const batch = events;
      events = [];
      yield* batch;
      if (events.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    for (const stop of off) stop();
    ends.delete(end);
    signal?.removeEventListener("abort", end);
  }
}
