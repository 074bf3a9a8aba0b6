interface Waiting {
  readonly runs: Set<() => void>;
  readonly listener: () => void;
}

/** One listener per signal, however many lookups share it: Node prints a warning of a leak if there are more than ten. */
const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `run`, which must not throw, when the signal is aborted, or now if it is already.
 *
 * @returns a function that undoes this
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    run();
    return () => {};
  }
  const { runs, listener } = waiting.get(signal) ?? listen(signal);
  // Of its own, since the same function may be given twice.
  const entry = () => run();
  runs.add(entry);
  return () => {
    runs.delete(entry);
    if (runs.size > 0 || waiting.get(signal)?.runs !== runs) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

function listen(signal: AbortSignal): Waiting {
  const runs = new Set<() => void>();
  const listener = () => {
    waiting.delete(signal);
    for (const run of runs) run();
  };
  waiting.set(signal, { runs, listener });
  signal.addEventListener("abort", listener, { once: true });
  return { runs, listener };
}
