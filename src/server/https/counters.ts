/** Counters of the threads that answer requests, in memory that they share with the control thread. */
import { REQUEST_RESULTS, type RequestResult } from "../../syncthing/directory/handler.ts";

/** What happened to connections, apart from their requests. */
export const CONNECTION_EVENTS = ["handshakes", "failedHandshakes", "slow", "crowdedOut"] as const;

export type ConnectionEvent = (typeof CONNECTION_EVENTS)[number];

/** After the results and the events: the number of connections that are open now. */
const OPEN = REQUEST_RESULTS.length + CONNECTION_EVENTS.length;

/** Creates the counters of one thread. Only that thread writes them. */
export function createRequestCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer((OPEN + 1) * Float64Array.BYTES_PER_ELEMENT);
}

/** The thread's side. */
export class RequestCounter {
  readonly #counts: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#counts = new Float64Array(memory);
  }

  addRequest(result: RequestResult): void {
    this.#counts[REQUEST_RESULTS.indexOf(result)]! += 1;
  }

  add(event: ConnectionEvent): void {
    this.#counts[REQUEST_RESULTS.length + CONNECTION_EVENTS.indexOf(event)]! += 1;
  }

  setOpen(connections: number): void {
    this.#counts[OPEN] = connections;
  }
}

/** Sums of the counters of several threads. */
export interface RequestCounts {
  readonly requests: Readonly<Record<RequestResult, number>>;
  readonly events: Readonly<Record<ConnectionEvent, number>>;
  readonly open: number;
}

export function readCounters(memories: readonly SharedArrayBuffer[]): RequestCounts {
  const counters = memories.map((memory) => new Float64Array(memory));
  const sum = (index: number) => counters.reduce((all, counts) => all + counts[index]!, 0);
  const named = <Name extends string>(names: readonly Name[], from: number) =>
    Object.fromEntries(names.map((name, i) => [name, sum(from + i)])) as Record<Name, number>;
  return {
    requests: named(REQUEST_RESULTS, 0),
    events: named(CONNECTION_EVENTS, REQUEST_RESULTS.length),
    open: sum(OPEN),
  };
}
