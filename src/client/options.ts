/** The options of a discoverer: their checks and defaults. */
import {
  type Checks,
  checkBoolean,
  checkInterfaces,
  checkMs,
  checkOptions,
  checkPort,
  checkSignal,
  checkStrings,
  checkTimings,
  checkType,
  withDefaults,
} from "./checks.ts";
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

const START_CHECKS: Checks<DiscovererOptions> = {
  nodeId: (name, value) => {
    nodeIdBytes(value as string, name);
  },
  port: (name, value) => checkPort(name, value, 0),
  servers: checkServers,
  group: checkGroup,
  interfaces: checkInterfaces,
  signal: checkSignal,
  lan: checkBoolean,
  // Not 0: IPv4 and IPv6 would listen on two different random ports.
  lanPort: (name, value) => checkPort(name, value, 1),
  timings: (name, value) => checkTimings(name, value, DEFAULT_TIMINGS),
};

const LOOKUP_CHECKS: Checks<LookupOptions> = {
  signal: checkSignal,
  timeout: (name, value) => checkMs(name, value, true),
  fresh: checkBoolean,
  confirm: checkBoolean,
};
const WATCH_CHECKS: Checks<WatchOptions> = { signal: checkSignal };

/** @throws {TypeError} for an unknown key or a value of a wrong type; {RangeError} for a value out of range */
export function startSettings(options: DiscovererOptions): Settings {
  checkOptions("options", options, START_CHECKS);
  const { nodeId, port = 0, servers = [], lan = true, lanPort = LAN_PORT, group, interfaces, signal } = options;
  const ownId = nodeId === undefined ? randomNodeId() : nodeIdBytes(nodeId);
  const wireGroup = new Group(group);
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
    timings: withDefaults(options.timings, DEFAULT_TIMINGS),
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

function checkServers(name: string, value: unknown): void {
  for (const server of checkStrings(name, value)) parseServer(server);
}

function checkGroup(name: string, value: unknown): void {
  checkType(name, value, "string", "a string");
  const length = utf8(value as string).length;
  if (length === 0 || length > MAX_GROUP_LENGTH || (value as string).includes(GROUP_END)) {
    throw new RangeError(`${name} must have 1 to ${MAX_GROUP_LENGTH} bytes and no "${GROUP_END}"`);
  }
}
