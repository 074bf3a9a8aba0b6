/** The types that all suites share: what is measured, by whom, and the result. */
import { ID_LENGTH } from "./packets.ts";

export const SUITES = ["codec", "xdr", "engine"] as const;
export type Suite = (typeof SUITES)[number];

export interface Row {
  readonly suite: Suite;
  /** The task, the same for all contestants that are compared: "decode, query". */
  readonly what: string;
  /** The contestant: "wasm". */
  readonly who: string;
  /** Nanoseconds per packet or value. measure.ts and engine/engine.ts document which quantile of the samples it is. */
  readonly ns: number;
  /** The middle half of the samples: a quarter of them is below the first figure, a quarter above the second. */
  readonly spread: readonly [low: number, high: number];
}

export interface Contestant {
  readonly who: string;
  /** Does all of the work once. */
  readonly run: () => unknown;
}

/**
 * One task that all contestants do, on the same input and with the same result. The first contestant is the base of the
 * ratios.
 */
export interface Contest {
  readonly suite: Suite;
  readonly what: string;
  /** Packets or values that one run handles. */
  readonly size: number;
  readonly contestants: readonly Contestant[];
  /** How many times as long contestants warm up as usual: compilers need long for the code of a large schema. */
  readonly patience?: number;
}

interface Base {
  /** The contestant that ratios are relative to. */
  readonly who: string;
  /** The unit of work: the figures are nanoseconds per this. */
  readonly unit: string;
  /** How the results of the contestants are checked. */
  readonly agreement: string;
}

export const BASE: Readonly<Record<Suite, Base>> = {
  codec: {
    who: "wasm",
    unit: `packet with a NodeID of ${ID_LENGTH} bytes, unless the task names another length`,
    agreement: "they decode to the same packets, encode to the same bytes and refuse the same malformed packets",
  },
  xdr: {
    who: "schema",
    unit: "value (js-xdr leaves text in bytes; for Stellar, all do)",
    agreement: "they decode to the same values, encode to the same bytes and refuse truncated and trailing bytes",
  },
  engine: { who: "wasm", unit: "packet", agreement: "both engines gave the expected verdict in every task" },
};

/** Results are stored here so that a compiler cannot remove the work as unused. */
export const kept: { last: unknown } = { last: undefined };

/** A run that calls `one` with each item of `list`. */
export function over<T>(list: readonly T[], one: (item: T) => unknown): () => void {
  return () => {
    for (let i = 0; i < list.length; i++) kept.last = one(list[i]!);
  };
}
