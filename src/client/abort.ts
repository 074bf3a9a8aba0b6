/**
 * Calls `run` when the signal is aborted, or now if it is already.
 *
 * @returns a function that undoes this
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  signal?.addEventListener("abort", run, { once: true });
  if (signal?.aborted) run();
  return () => signal?.removeEventListener("abort", run);
}
