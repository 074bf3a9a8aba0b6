/** The messages between the bench and its programs. */

/** The client's first argument. */
export interface Task {
  readonly what: "announce" | "look up";
  /** Address and port. */
  readonly server: string;
  /** The own address, where the known nodes are. */
  readonly ip: string;
  /** Nodes that the server knows, and nodes that it does not know. */
  readonly known: readonly number[];
  readonly unknown: readonly number[];
  /** The last lookups end about then. */
  readonly seconds: number;
  /** Of each lookup, in ms. */
  readonly timeout: number;
  /** The option of each lookup; undefined: the default. */
  readonly confirm?: boolean | undefined;
}

/** `new`: each lookup by a discoverer that was started for it. `old`: all by one discoverer. */
export const KINDS = ["new", "old"] as const;
export type Kind = (typeof KINDS)[number];

/** How many lookups ended in which way. */
export interface Counts {
  /** Known nodes that were found where they are. */
  right: number;
  /** How many of the right ones took more than a second. */
  slow: number;
  /** Known nodes that were not found, or the lookup failed. */
  notFound: number;
  /** Unknown nodes that were not found, which is right, too. */
  unknown: number;
  /** Known or unknown nodes that were found where the attacker says. */
  poisoned: number;
}

export type Result = Readonly<Record<Kind, Readonly<Counts>>>;

/** The attacker's first argument. */
export interface Spray {
  readonly client: string;
  readonly clientMac: string;
  readonly server: string;
  readonly serverPort: number;
  /** The first and the last port of the client that are tried. */
  readonly ports: readonly [number, number];
  /** All nodes that may be forged. */
  readonly nodes: readonly number[];
  /** It ends after this time even if its standard input stays open. */
  readonly maxSeconds: number;
}

export interface SprayResult {
  readonly sent: number;
  readonly seconds: number;
}

/** Where the forged replies say that each node is. */
export const FORGED = { ip: "203.0.113.66", port: 6_666 } as const;
