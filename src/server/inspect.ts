/** What a server knows of single nodes and sources, of its own troubles, and whether it serves. */
import type { LimitName } from "../engine/index.ts";

/** What the registry knows of a node. */
export interface NodeInfo {
  /** 1 to 1008 bytes. */
  readonly nodeId: Uint8Array;
  /** The address that is handed out: IPv4 as `192.0.2.1`, IPv6 as in RFC 5952. */
  readonly ip: string;
  /** The port that the node announced. */
  readonly port: number;
  /** Time of the last announcement, in ms since 1970 by the system's clock. */
  readonly announcedAt: number;
  /** When it expires, in ms since 1970. */
  readonly expiresAt: number;
  /** Whether it was announced at least twice. A full registry gives up only nodes that were not. */
  readonly confirmed: boolean;
  /** Whether it was read from the journal, so from an earlier run or another server. */
  readonly fromJournal: boolean;
  /** Whether it is a device of Syncthing that announced itself over HTTPS, with its certificate. */
  readonly authenticated: boolean;
}

/** A key that a limit stops now: some of its packets of the last ten seconds exceeded the limit. */
export interface Limited {
  /** A source is an IPv4 address or an IPv6 /64, a network an IPv4 /24 or an IPv6 /48. */
  readonly kind: "source" | "network" | "node";
  /** The source or the network; undefined if the key is a NodeID. */
  readonly network: string | undefined;
  /** The NodeID that was asked for, or of the limit `node` of a source: the one that it asked for too often. */
  readonly nodeId: Uint8Array | undefined;
  /** The limit that it exceeds. */
  readonly limit: LimitName;
  /** The option that sets the limit. Networks have 32 times the limit of a source. */
  readonly option: "sourceRate" | "nodeRate" | "newRate";
  /** Packets of the last minute that exceeded the limit. If there are very many, an estimate by a sample. */
  readonly stopped: number;
  /** The same per second, over the last ten seconds. */
  readonly rate: number;
  /** When the limit first stopped it, without a pause of a minute since, in ms since 1970. */
  readonly since: number;
  /** Whether these packets were only counted, and handled all the same: a dry run. */
  readonly dryRun: boolean;
}

/**
 * The codes of all problems.
 *
 * @example
 * ```ts
 * PROBLEM_CODES.includes("registry-full"); // => true
 * ```
 */
export const PROBLEM_CODES = [
  "registry-full",
  "journal-late",
  "journal-errors",
  "journal-lossy",
  "limits",
  "kernel-drops",
  "unsent",
  "worker-missing",
  "devices-full",
  "https-thread-missing",
  "receive-buffer",
  "xdp",
  "clock",
] as const;

/** Something that is wrong now. */
export interface Problem {
  /** What kind of problem it is, for programs. There is at most one problem with each code. */
  readonly code: (typeof PROBLEM_CODES)[number];
  /** `error`: clients lose something now. `warning`: they may soon, or some clients are limited. */
  readonly severity: "error" | "warning";
  /** One or two sentences: the problem, and how to solve it. */
  readonly text: string;
  /** When it began, in ms since 1970. */
  readonly since: number;
}

/** Whether the server serves. */
export interface Readiness {
  /** Whether all checks passed. */
  readonly ready: boolean;
  /** All checks, passed or not. */
  readonly checks: readonly ReadinessCheck[];
}

/** One of the checks for {@link Readiness}. */
export interface ReadinessCheck {
  /** `probe` is an announcement and a query of the server's own, through its real socket. */
  readonly name: "sockets" | "journal" | "workers" | "probe";
  /** Whether it passed. */
  readonly ok: boolean;
  /** The result in words. */
  readonly text: string;
}
