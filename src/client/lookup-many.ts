/** Many look-ups as one stream: as many under way as there is room for, answers as they come. */
import type { LookupResult } from "./discoverer.ts";
import type { NodeAddress } from "./types.ts";

/** Look-ups under way at a time. Those of unknown nodes stay for their whole time-out, so there have to be many. */
const UNDER_WAY = 16_384;

/** Begins one look-up; what it returns calls it off. */
export type Begin = (
  nodeId: string | Uint8Array,
  answered: (nodeId: Uint8Array, address: NodeAddress | undefined) => void,
) => () => void;

/** Whether queries pile up, and who is to be told when they no longer do. */
interface Pile {
  busy(): boolean;
  readonly waiting: Set<() => void>;
}

export async function* lookupMany(
  ids: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  signal: AbortSignal | undefined,
  begin: Begin,
  pile: Pile,
): AsyncGenerator<LookupResult> {
  signal?.throwIfAborted();
  const underWay = new Set<() => void>();
  let results: LookupResult[] = [];
  let failure: { reason: unknown } | undefined;
  let exhausted = false;
  let wake = () => {};
  let resolveRoom = () => {};
  let ended = false;
  const room = () => resolveRoom();
  pile.waiting.add(room);

  const one = (nodeId: string | Uint8Array) => {
    let callOff: (() => void) | undefined;
    let done = false;
    callOff = begin(nodeId, (nodeId, address) => {
      done = true;
      if (callOff !== undefined) underWay.delete(callOff);
      results.push({ nodeId, address });
      wake();
    });
    if (!done) underWay.add(callOff);
  };
  const full = () => underWay.size >= UNDER_WAY || results.length >= UNDER_WAY || pile.busy();
  const feed = async () => {
    try {
      if (Symbol.asyncIterator in ids) {
        for await (const id of ids) {
          while (full() && !ended) await new Promise<void>((resolve) => (resolveRoom = resolve));
          if (ended) return;
          one(id);
        }
      } else {
        for (const id of ids) {
          while (full() && !ended) await new Promise<void>((resolve) => (resolveRoom = resolve));
          if (ended) return;
          one(id);
        }
      }
    } catch (reason) {
      failure = { reason };
    }
    exhausted = true;
    wake();
  };
  const abort = () => {
    failure = { reason: signal?.reason };
    wake();
  };
  signal?.addEventListener("abort", abort, { once: true });
  try {
    void feed();
    for (;;) {
      if (failure !== undefined) throw failure.reason;
      if (results.length > 0) {
        const batch = results;
        results = [];
        room();
        // Not yield*: that takes a promise more for each.
        for (const result of batch) yield result;
      } else if (exhausted && underWay.size === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    ended = true;
    pile.waiting.delete(room);
    signal?.removeEventListener("abort", abort);
    for (const callOff of underWay) callOff();
    room();
  }
}
