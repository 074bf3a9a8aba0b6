/** The names of the limits and of their tables, and how full the tables are. */
import {
  H_LIMITERS_AT,
  H_LIMITS,
  H_SET_MASK,
  LIMIT_INTERVAL,
  LIMIT_RESERVE,
  LIMIT_SIZE,
  type LIMITS,
  SET_SIZE,
  SET_TIMES,
  SET_WAYS,
} from "../../assembly/layout.ts";
import type { EngineMemory } from "./memory.ts";

/** A limit by what it counts: queries of a source, its announcements, what it announces that is new, and queries for a NodeID. */
export type LimitName = "queries" | "announcements" | "new" | "node";

/** The kind of keys that a table has. Of the limit `node`, `source` is a source and a NodeID together. */
export type LimitKey = "source" | "network-ipv4" | "network-ipv6" | "node" | "reserve";

/** One of the tables of a limit. */
interface LimitTable {
  readonly limit: LimitName;
  readonly key: LimitKey;
}

/** The tables of a limit of sources. */
function ofSources(limit: LimitName) {
  return [
    { limit, key: "source" },
    { limit, key: "network-ipv4" },
    { limit, key: "network-ipv6" },
    { limit, key: "reserve" },
  ] as const satisfies LimitTable[];
}

/** All tables, indexed by their numbers, which are those of the limits in assembly/layout.ts. One number is not used. */
export const LIMITER_TABLES = [
  ...ofSources("queries"),
  ...ofSources("announcements"),
  ...ofSources("new"),
  { limit: "node", key: "source" },
  { limit: "node", key: "node" },
  undefined,
  { limit: "node", key: "reserve" },
] as const satisfies (LimitTable | undefined)[];

/** How full one table of the limiter is. Each limit has a table for each kind of key. */
export interface LimiterTable {
  /** The limit that uses the table. */
  readonly limit: LimitName;
  /** The kind of its keys. Networks are IPv4 /24 and IPv6 /48; a `reserve` is what a source may send in any case. */
  readonly key: LimitKey;
  /** Number of slots. Each holds the bucket of one key. */
  readonly slots: number;
  /** Slots in use: their keys have less than a full burst. */
  readonly used: number;
  /** Sets (five slots each) in which every slot is in use: a new key there starts with another key's load. */
  readonly crowded: number;
}

/** Reads all tables of the limits that are not turned off, while workers use them. Takes less than a millisecond. */
export function readTables(memory: EngineMemory, now: number): LimiterTable[] {
  const u32 = new Uint32Array(memory.buffer);
  const f64 = new Float64Array(memory.buffer);
  const sets = u32[H_SET_MASK >>> 2]! + 1;
  const tables: LimiterTable[] = [];
  LIMITER_TABLES.forEach((table, number) => {
    // A limit that is turned off has no interval, and then neither its shared limits nor its reserve are used.
    const own = number - (number % (LIMIT_RESERVE + 1));
    if (table === undefined || f64[(H_LIMITS + own * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3] === 0) return;
    const from = (u32[H_LIMITERS_AT >>> 2]! + number * sets * SET_SIZE + SET_TIMES) >>> 3;
    let used = 0;
    let crowded = 0;
    for (let at = from, left = sets; left !== 0; left--, at += SET_SIZE >>> 3) {
      let inSet = 0;
      for (let way = 0; way < SET_WAYS; way++) if (f64[at + way]! > now) inSet++;
      used += inSet;
      if (inSet === SET_WAYS) crowded++;
    }
    tables.push({ ...table, slots: sets * SET_WAYS, used, crowded });
  });
  return tables;
}

// Compile-time check: LIMITS has an element for each number in layout.ts.
LIMITER_TABLES.length satisfies typeof LIMITS;
