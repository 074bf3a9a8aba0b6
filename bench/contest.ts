/** What is measured, and what comes of it. */
import { ID_LENGTH } from "./packets.ts";

export const SUITES = ["codec", "xdr", "engine"] as const;
export type Suite = (typeof SUITES)[number];

export interface Row {
  readonly suite: Suite;
  /** What is measured, the same for all that are compared: "decode, query". */
  readonly what: string;
  /** Who does it: "wasm". */
  readonly who: string;
  /** Nanoseconds a packet or a value; measure.ts and engine.ts tell which of the samples. */
  readonly ns: number;
}

export interface Contestant {
  readonly who: string;
  /** Does all of the work once. */
  readonly run: () => unknown;
}

/** One thing that all contestants do, on the same input, with the same outcome. The first is what the others are held against. */
export interface Contest {
  readonly suite: Suite;
  readonly what: string;
  /** Packets or values that a run handles. */
  readonly size: number;
  readonly contestants: readonly Contestant[];
}

/** What each suite's ratios are held against, and of what its nanoseconds are. */
export const BASE: Readonly<Record<Suite, { readonly who: string; readonly unit: string }>> = {
  codec: { who: "wasm", unit: `packet with a NodeID of ${ID_LENGTH} bytes` },
  xdr: { who: "schema", unit: "value (js-xdr leaves text in bytes)" },
  engine: { who: "wasm", unit: "packet" },
};

/** Where results go, so that no compiler finds out that nobody wants them. */
export const kept: { last: unknown } = { last: undefined };

/** A run: `one` over all of `list`. */
export function over<T>(list: readonly T[], one: (item: T) => unknown): () => void {
  return () => {
    for (let i = 0; i < list.length; i++) kept.last = one(list[i]!);
  };
}
