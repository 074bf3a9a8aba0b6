import { builtin } from "./builtin.ts";

/**
 * Calls `run` when the signal is aborted, or now if it is already.
 *
 * @returns a function that undoes this
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  // Many lookups may share a signal, and Node warns of a leak if it gets more than ten listeners. A polyfill is no EventTarget.
  if (signal instanceof EventTarget) builtin<typeof import("node:events")>("node:events").setMaxListeners(0, signal);
  signal?.addEventListener("abort", run, { once: true });
  if (signal?.aborted) run();
  return () => signal?.removeEventListener("abort", run);
}
