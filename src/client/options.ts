/**
 * Checks and defaults of option objects. TypeScript finds misspelled keys and values of a wrong type by itself; these
 * checks are for callers in plain JavaScript, where such an option would be ignored or misread.
 */

import { describeValue } from "../xdr/describe-value.ts";
import { checkKeys } from "../xdr/keys.ts";
import { GROUP_END, Group, MAX_GROUP_LENGTH } from "./group.ts";
import { nodeIdBytes, randomNodeId, utf8 } from "./node-id.ts";
import { parseServer } from "./servers/address.ts";
import type { DiscovererOptions, LookupOptions, Timings, WatchOptions } from "./types.ts";

/** The UDP port of the LAN, where every node announces itself and listens: 21025. */
export const LAN_PORT = 21025;
const LOOKUP_TIMEOUT_MS = 5_000;

/** The protocol's. */
export const DEFAULT_TIMINGS: Timings = {
  lanInterval: 30_000,
  lanRetention: 90_000,
  interfaces: 2_000,
  serverInterval: 1_800_000,
  confirmInterval: 45_000,
  retryFirst: 1_000,
  retryLongest: 300_000,
  found: 300_000,
  notFound: 60_000,
};

/** The options of {@link Discoverer.start}, checked and complete. */
export interface Settings {
  readonly nodeId: Uint8Array;
  /** The own NodeID with the group. */
  readonly wireId: Uint8Array;
  /** 0: nothing is announced. */
  readonly port: number;
  /** Without duplicates. */
  readonly servers: readonly string[];
  readonly lan: boolean;
  readonly lanPort: number;
  readonly group: Group;
  /** `undefined`: the default. */
  readonly interfaces: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timings: Timings;
}

/** The options of a lookup, checked and complete. */
export interface LookupSettings {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly fresh: boolean;
  readonly confirm: boolean;
}

/** One check for each option. It gets the option's name and its value, which is not undefined, and throws if it is wrong. */
type Checks<T> = { readonly [K in keyof T]-?: (name: string, value: unknown) => void };

const START_CHECKS: Checks<DiscovererOptions> = {
  nodeId: (name, value) => {
    nodeIdBytes(value as string, name);
  },
  port: (name, value) => checkPort(name, value, 0),
  servers: checkServers,
  group: checkGroup,
  interfaces: checkInterfaces,
  signal: checkSignal,
  lan: (name, value) => checkType(name, value, "boolean", "true or false"),
  // Not 0: IPv4 and IPv6 would listen on two different random ports.
  lanPort: (name, value) => checkPort(name, value, 1),
  timings: (name, value) => checkOptions(name, value, TIMING_CHECKS),
};

const TIMING_CHECKS = Object.fromEntries(
  Object.keys(DEFAULT_TIMINGS).map((key) => [
    key,
    (name: string, value: unknown) => checkTiming(`timings.${name}`, value),
  ]),
) as unknown as Checks<Timings>;

const LOOKUP_CHECKS: Checks<LookupOptions> = {
  signal: checkSignal,
  timeout: checkTimeout,
  fresh: (name, value) => checkType(name, value, "boolean", "true or false"),
  confirm: (name, value) => checkType(name, value, "boolean", "true or false"),
};
const WATCH_CHECKS: Checks<WatchOptions> = { signal: checkSignal };

/** @throws {TypeError} for an unknown key or a value of a wrong type; {RangeError} for a value out of range */
export function startSettings(options: DiscovererOptions): Settings {
  checkOptions("options", options, START_CHECKS);
  const { nodeId, port = 0, servers = [], lan = true, lanPort = LAN_PORT, group, interfaces, signal } = options;
  const ownId = nodeId === undefined ? randomNodeId() : nodeIdBytes(nodeId);
  const wireGroup = new Group(group);
  const timings = { ...DEFAULT_TIMINGS };
  for (const [key, ms] of Object.entries(options.timings ?? {})) {
    if (ms !== undefined) Object.assign(timings, { [key]: ms });
  }
  return {
    nodeId: ownId,
    wireId: wireGroup.toWire(ownId),
    port,
    servers: [...new Set(servers)],
    lan,
    lanPort,
    group: wireGroup,
    interfaces,
    signal,
    timings,
  };
}

/** @throws as {@link startSettings} does */
export function lookupSettings(options: LookupOptions = {}, confirmByDefault: boolean): LookupSettings {
  checkOptions("options", options, LOOKUP_CHECKS);
  const { signal, timeout = LOOKUP_TIMEOUT_MS, fresh = false, confirm = confirmByDefault } = options;
  return { signal, timeout, fresh, confirm };
}

/** @throws {TypeError} for an unknown key or a value of a wrong type */
export function watchSettings(options: WatchOptions): { readonly signal: AbortSignal | undefined } {
  checkOptions("options", options, WATCH_CHECKS);
  return { signal: options.signal };
}

/** An option that is undefined has its default, like one that is missing. */
function checkOptions<T>(what: string, options: unknown, checks: Checks<T>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${what} must be an object, not ${describeValue(options)}`);
  }
  // It has no key of its own that would be unknown.
  if (options instanceof AbortSignal) {
    throw new TypeError(`${what} must be an object, not ${describeValue(options)}: write { signal }`);
  }
  checkKeys(what, options, Object.keys(checks));
  for (const key in checks) {
    const value = (options as T)[key];
    if (value !== undefined) checks[key](key, value);
  }
}

function checkType(name: string, value: unknown, type: "number" | "boolean" | "string", wanted: string): void {
  if (typeof value !== type) throw new TypeError(`${name} must be ${wanted}, not ${describeValue(value)}`);
}

function checkPort(name: string, value: unknown, min: number): void {
  checkType(name, value, "number", "a number");
  const port = value as number;
  if (!Number.isInteger(port) || port < min || port > 65535) {
    throw new RangeError(`${name} must be a whole number from ${min} to 65535, not ${port}`);
  }
}

function checkServers(name: string, value: unknown): void {
  for (const server of checkStrings(name, value)) parseServer(server);
}

function checkInterfaces(name: string, value: unknown): void {
  const names = checkStrings(name, value);
  if (names.length === 0 || names.includes("")) {
    throw new RangeError(`${name} must be names of network interfaces, such as ["eth0"]: leave it out to use all`);
  }
}

function checkStrings(name: string, value: unknown): string[] {
  if (!Array.isArray(value)) {
    const hint = typeof value === "string" ? ": put it in brackets" : "";
    throw new TypeError(`${name} must be an array of strings, not ${describeValue(value)}${hint}`);
  }
  for (const [i, item] of value.entries()) checkType(`${name}[${i}]`, item, "string", "a string");
  return value;
}

function checkGroup(name: string, value: unknown): void {
  checkType(name, value, "string", "a string");
  const length = utf8(value as string).length;
  if (length === 0 || length > MAX_GROUP_LENGTH || (value as string).includes(GROUP_END)) {
    throw new RangeError(`${name} must have 1 to ${MAX_GROUP_LENGTH} bytes and no "${GROUP_END}"`);
  }
}

function checkTiming(name: string, value: unknown): void {
  checkType(name, value, "number", "a number of milliseconds");
  if (!((value as number) > 0)) throw new RangeError(`${name} must be milliseconds above 0, not ${value}`);
}

function checkTimeout(name: string, value: unknown): void {
  checkType(name, value, "number", "a number of milliseconds");
  if (!((value as number) >= 0)) throw new RangeError(`${name} must be milliseconds of 0 or more, not ${value}`);
}

/** Looks at the methods, not the class: polyfills and test doubles of AbortSignal are fine. */
function checkSignal(name: string, value: unknown): void {
  const signal = value as Partial<AbortSignal> | null;
  if (typeof signal === "object" && typeof signal?.addEventListener === "function" && "aborted" in signal) return;
  const hint = value instanceof AbortController ? ": pass its signal" : "";
  throw new TypeError(`${name} must be an AbortSignal, not ${describeValue(value)}${hint}`);
}
