/** Counters of the threads that answer requests, in memory that they share with the control thread. */
import { createCounters, type ListenerCounters } from "../../syncthing/directory/counters.ts";
import { REQUEST_RESULTS, type RequestResult } from "../../syncthing/directory/handler.ts";

/** The counters of a listener that are not about requests. */
const OTHERS = ["open", "handshakes", "failedHandshakes", "slow", "crowded", "invalid"] as const;

const SIZE = REQUEST_RESULTS.length + OTHERS.length;

/** Creates the counters of one thread. Only that thread writes them. */
export function createThreadCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(SIZE * Float64Array.BYTES_PER_ELEMENT);
}

/** The thread's side: it copies the counters of its listeners several times a second. */
export class ThreadCounters {
  readonly #shared: Float64Array;
  /** What an earlier thread has counted, in whose place this one works. */
  readonly #before: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Float64Array(memory);
    this.#before = this.#shared.slice();
    this.#before[REQUEST_RESULTS.length + OTHERS.indexOf("open")] = 0;
  }

  write(listeners: readonly ListenerCounters[]): void {
    const counts = listeners.map((counters) => [
      ...REQUEST_RESULTS.map((result) => counters.requests[result]),
      ...OTHERS.map((name) => counters[name]),
    ]);
    for (const [i, before] of this.#before.entries()) {
      this.#shared[i] = counts.reduce((sum, listener) => sum + listener[i]!, before);
    }
  }
}

/** The sums of the counters of several threads. */
export function readCounters(memories: readonly SharedArrayBuffer[]): ListenerCounters {
  const counters = memories.map((memory) => new Float64Array(memory));
  const sum = (index: number) => counters.reduce((all, counts) => all + counts[index]!, 0);
  const requests = Object.fromEntries(REQUEST_RESULTS.map((result, i) => [result, sum(i)]));
  const others = Object.fromEntries(OTHERS.map((name, i) => [name, sum(REQUEST_RESULTS.length + i)]));
  return { ...createCounters(), ...others, requests: requests as Record<RequestResult, number> };
}
