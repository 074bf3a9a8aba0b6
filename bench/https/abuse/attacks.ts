/** The attacks on HTTPS, one per row of the table. */

/**
 * Connections that keep the server busy by being there. `idle` sends nothing, `half-open` the beginning of a TLS handshake; `slow`
 * shakes hands, then sends a request byte by byte.
 */
const HOLDING = ["idle", "half-open", "slow"] as const;
type Holding = (typeof HOLDING)[number];

/**
 * Requests that are sent one after the other, as fast as they are answered. `handshakes` sends none, but shakes hands again and again;
 * `pipelined` does not wait for answers, `rapid-reset` opens streams of h2 and resets them at once. The others are in bytes.ts.
 */
const FLOODING = [
  "handshakes",
  "look-ups",
  "announcements",
  "headers",
  "large-json",
  "chunked-json",
  "deep-json",
  "addresses",
  "long-address",
  "pipelined",
  "rapid-reset",
] as const;
export type Flooding = (typeof FLOODING)[number];

export const ATTACKS = ["none", ...HOLDING, ...FLOODING] as const;
type AttackKind = (typeof ATTACKS)[number];

export interface Attack {
  readonly name: string;
  /** "none" is for comparison. */
  readonly what: AttackKind;
  /** Source addresses, each in a /24 of its own as far as there are enough. */
  readonly hosts: number;
  /** Connections at a time, of all hosts together. */
  readonly connections: number;
}

const MANY_HOSTS = 1_000;
const FEW_HOSTS = 16;

/** @param connections - of attacks that hold connections */
export function attacks(connections: number): Attack[] {
  const count = connections.toLocaleString("en-US");
  const hold = (what: Holding, hosts: number, kind: string): Attack => ({
    name: `${count} ${kind} of ${hosts === 1 ? "1 host" : `${hosts.toLocaleString("en-US")} hosts`}`,
    what,
    hosts,
    connections,
  });
  const flood = (what: Flooding, name: string = what): Attack => ({
    name,
    what,
    hosts: FEW_HOSTS,
    connections: FEW_HOSTS,
  });
  const hosts = Math.min(MANY_HOSTS, connections);
  return [
    { name: "no attack", what: "none", hosts: 0, connections: 0 },
    hold("idle", 1, "idle connections"),
    hold("idle", hosts, "idle connections"),
    hold("half-open", hosts, "half-open handshakes"),
    hold("slow", hosts, "slow requests"),
    flood("handshakes"),
    flood("look-ups"),
    flood("announcements"),
    flood("headers", "headers of 1 MB"),
    flood("large-json", "JSON of 10 MB"),
    flood("chunked-json", "JSON of 10 MB in chunks"),
    flood("deep-json", "JSON of depth 10,000"),
    flood("addresses", "1,000 addresses"),
    flood("long-address", "an address of 1 MB"),
    flood("pipelined", "requests without waiting"),
    flood("rapid-reset", "rapid reset of h2"),
  ];
}

/** The address of the attacker's host `n`: the /24 differs first. */
export function hostAddress(n: number): string {
  return `127.${30 + Math.floor(n / 60_000)}.${n % 250}.${1 + (Math.floor(n / 250) % 240)}`;
}
