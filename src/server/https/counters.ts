/** Counters of the threads that answer requests, in memory that they share with the control thread. */
import {
  type ConnectionCounters,
  createConnectionCounters,
  createRequestCounters,
  type RequestCounters,
} from "../../syncthing/directory/counters.ts";
import { REQUEST_RESULTS } from "../../syncthing/directory/handler.ts";

const CONNECTIONS = Object.keys(createConnectionCounters()) as (keyof ConnectionCounters)[];
const SIZE = REQUEST_RESULTS.length + CONNECTIONS.length;

/** Counters of a listener. Only an HTTPS listener counts connections. */
export interface ListenerCounters {
  readonly requests: RequestCounters;
  readonly connections?: ConnectionCounters;
}

/** Creates the counters of one thread. Only that thread writes them. */
export function createThreadCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(SIZE * Float64Array.BYTES_PER_ELEMENT);
}

/** The thread's side: it copies the counters of its listeners several times a second. */
export class ThreadCounters {
  readonly #shared: Float64Array;
  /** Counts of the failed thread that this one replaces; zeros if there was none. */
  readonly #before: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Float64Array(memory);
    this.#before = this.#shared.slice();
    this.#before[REQUEST_RESULTS.length + CONNECTIONS.indexOf("open")] = 0;
  }

  write(listeners: readonly ListenerCounters[]): void {
    const counts = listeners.map(({ requests, connections }) => [
      ...REQUEST_RESULTS.map((result) => requests[result]),
      ...CONNECTIONS.map((name) => connections?.[name] ?? 0),
    ]);
    for (const [i, before] of this.#before.entries()) {
      this.#shared[i] = counts.reduce((sum, listener) => sum + listener[i]!, before);
    }
  }
}

/** The sums of the counters of several threads. */
export function readCounters(memories: readonly SharedArrayBuffer[]): Required<ListenerCounters> {
  const counters = memories.map((memory) => new Float64Array(memory));
  const sum = (index: number) => counters.reduce((all, counts) => all + counts[index]!, 0);
  const requests = createRequestCounters();
  for (const [i, result] of REQUEST_RESULTS.entries()) requests[result] = sum(i);
  const connections = createConnectionCounters();
  for (const [i, name] of CONNECTIONS.entries()) connections[name] = sum(REQUEST_RESULTS.length + i);
  return { requests, connections };
}
