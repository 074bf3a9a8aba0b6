/** The attacks, one per row of the table, and the honest clients beside each. */
import { defaultServerOptions } from "../../src/server/index.ts";
import { type Family, NAT_ADDRESS } from "./addresses.ts";
import type { Flood, Payload } from "./flood.ts";

export const GROUPS = ["control", "node", "fill", "neighbors", "nat", "redirect", "load"] as const;
type Group = (typeof GROUPS)[number];

/** Shares of honest traffic that an attack may have a target for. */
export type Share = "queries" | "lookups" | "joined" | "kept";

/** Honest lookups during the attack. */
interface Lookups {
  readonly addresses: readonly string[];
  readonly nodes: readonly number[];
  readonly everyMs: number;
  readonly once: boolean;
}

/** New nodes that announce themselves during the attack. */
interface Joins {
  readonly addresses: readonly string[];
  readonly firstNode: number;
  readonly everyMs: number;
  readonly announceAt: readonly number[];
  readonly askAt: number;
}

export interface Attack {
  readonly group: Group;
  readonly name: string;
  readonly family: Family;
  /** Undefined: no attack, for comparison. */
  readonly flood: Pick<Flood, "sources" | "payload" | "rate"> | undefined;
  /** How long the attack runs before the honest clients start, so that it has used up what is allowed at once. */
  readonly leadMs: number;
  /** Nodes that are registered before, each announced twice. */
  readonly nodes: number;
  readonly lookups: Lookups;
  readonly joins: Joins | undefined;
  /** Whether all registered nodes are looked up after the attack. */
  readonly checkAfter: boolean;
  readonly targets: Readonly<Partial<Record<Share, number>>>;
}

const NODES = 1_000;
/** More than a source can redirect at once. */
const REDIRECT_NODES = 2_000;
/** Packets per second from one source at which the server's default limit begins. */
const FULL_RATE = defaultServerOptions().sourceRate;
/** How often a network may send as much as one of its sources. */
const NETWORK_FACTOR = 32;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
/** `count` addresses of honest clients, each IPv6 one in a /48 of its own. `part` keeps those of different tasks apart. */
export const honestAddresses = (family: Family, part: number, count: number) =>
  range(count).map((i) => (family === "v4" ? `10.20.${part}.${i + 1}` : `fd20:${part}:${(i + 1).toString(16)}::1`));

/** Hosts of the attacker, each in a network of its own. */
const hosts = (count: number) => range(count).map((i) => `10.30.${i}.1`);
const network = (prefix: string) => range(256).map((i) => `${prefix}.${i}`);

/** 50 lookups a second of one node, each address every 2 s. */
const lookupsOf = (node: number): Lookups => ({
  addresses: honestAddresses("v4", 2, 100),
  nodes: [node],
  everyMs: 2_000,
  once: false,
});
/** As many lookups, of all registered nodes in turn. */
const LOOKUPS: Lookups = { ...lookupsOf(0), nodes: range(NODES) };

const BASE = {
  family: "v4",
  leadMs: 500,
  nodes: NODES,
  lookups: LOOKUPS,
  joins: undefined,
  checkAfter: false,
  targets: {},
} as const;

/** The two highest of the rates. */
function highest(rates: readonly number[]): readonly number[] {
  return rates.slice(-2);
}

function control(rates: readonly number[]): Attack[] {
  const group = "control";
  const lookups = lookupsOf(0);
  return [
    { ...BASE, group, name: "no attack", lookups, flood: undefined },
    ...rates.map((rate): Attack => {
      const flood = { sources: "random", payload: { what: "garbage" }, rate } as const;
      return { ...BASE, group, name: "garbage", lookups, flood };
    }),
  ];
}

/** Queries for the node that the honest clients look up. */
function node(rates: readonly number[]): Attack[] {
  const attack = (name: string, sources: Flood["sources"], rate: number, targets: Attack["targets"] = {}): Attack => ({
    ...BASE,
    group: "node",
    name,
    lookups: lookupsOf(0),
    flood: { sources, payload: { what: "query", node: 0 }, rate },
    targets,
  });
  const real = (count: number, rate: number, targets?: Attack["targets"]) =>
    attack(count === 1 ? "1 real host" : `${count} real hosts`, hosts(count), rate, targets);
  const forged = {
    "one forged address": ["198.51.100.7"],
    "one forged /24": network("198.51.100"),
    "random addresses": "random" as const,
  };
  return [
    ...[1, 4, 32].map((count) => real(count, count * FULL_RATE, { queries: 0.99, lookups: 0.99 })),
    real(32, 0),
    ...Object.entries(forged).flatMap(([name, sources]) => rates.map((rate) => attack(name, sources, rate))),
  ];
}

/** Announcements of new NodeIDs, while the registry is full. */
function fill(rates: readonly number[]): Attack[] {
  let row = 0;
  const attack = (name: string, sources: Flood["sources"], rate: number, times: 1 | 2): Attack => {
    row++;
    const payload: Payload = { what: "new", times, first: row * 50_000_000 };
    const found = times === 1 && rate > 0 && rate <= 100_000 ? { joined: 1 } : {};
    return {
      ...BASE,
      group: "fill",
      name,
      flood: { sources, payload, rate },
      joins: {
        addresses: honestAddresses("v4", 3, 100),
        firstNode: row * 100_000,
        everyMs: 250,
        announceAt: [0, 1_000],
        askAt: 2_000,
      },
      checkAfter: true,
      targets: { lookups: 1, kept: 1, ...found },
    };
  };
  const real = ["10.30.0", "10.30.1", "10.30.2", "10.30.3"].flatMap(network);
  const both = (times: 1 | 2, rates: readonly number[]) => {
    const how = times === 1 ? "once" : "twice";
    return [
      attack(`4 real /24, ${how}`, real, 4 * NETWORK_FACTOR * FULL_RATE, times),
      ...rates.map((rate) => attack(`random addresses, ${how}`, "random", rate, times)),
    ];
  };
  return [...both(1, rates), ...both(2, highest(rates))];
}

/** Hosts of one network at their full rate, beside hosts of the same network that send 0.9 packets a second. */
function neighbors(): Attack[] {
  const attack = (family: Family, count: number): Attack => ({
    ...BASE,
    group: "neighbors",
    name: `${count} heavy ${family === "v4" ? "hosts of a /24" : "/64 of a /48"}`,
    family,
    leadMs: 3_000,
    lookups: {
      addresses: range(40).map((i) =>
        family === "v4" ? `10.40.0.${192 + i}` : `fd40:0:0:${(0x8000 + i).toString(16)}::1`,
      ),
      nodes: range(NODES),
      everyMs: 1_000 / 0.9,
      once: true,
    },
    flood: {
      sources: range(count).map((i) => (family === "v4" ? `10.40.0.${i + 1}` : `fd40:0:0:${(i + 1).toString(16)}::1`)),
      payload: { what: "queries", nodes: NODES },
      rate: count * FULL_RATE,
    },
    targets: { queries: 0.95 },
  });
  return (["v6", "v4"] as const).flatMap((family) => [6, 60].map((count) => attack(family, count)));
}

/** Many clients behind one address: their queries exceed its rate, and new nodes announce themselves from it. */
function nat(): Attack[] {
  return [
    {
      ...BASE,
      group: "nat",
      name: "queries of a NAT",
      flood: { sources: [NAT_ADDRESS], payload: { what: "queries", nodes: NODES }, rate: 4 * FULL_RATE },
      joins: { addresses: [NAT_ADDRESS], firstNode: 100_000, everyMs: 100, announceAt: [0], askAt: 300 },
      targets: { joined: 0.99 },
    },
  ];
}

/** One source announces nodes of others. */
function redirect(): Attack[] {
  return [
    {
      ...BASE,
      group: "redirect",
      name: "one host announces 2,000 nodes",
      nodes: REDIRECT_NODES,
      flood: { sources: hosts(1), payload: { what: "announcements", nodes: REDIRECT_NODES }, rate: FULL_RATE },
      checkAfter: true,
    },
  ];
}

/** Queries for all nodes: no limit helps, the server only has to be fast enough. */
function load(rates: readonly number[]): Attack[] {
  return highest(rates).map((rate) => ({
    ...BASE,
    group: "load",
    name: "queries from random addresses",
    flood: { sources: "random", payload: { what: "queries", nodes: NODES }, rate },
  }));
}

/** @param rates - packets per second of forged attacks, in ascending order; at the end 0: as many as possible */
export function attacks(rates: readonly number[]): Attack[] {
  return [...control(rates), ...node(rates), ...fill(rates), ...neighbors(), ...nat(), ...redirect(), ...load(rates)];
}
