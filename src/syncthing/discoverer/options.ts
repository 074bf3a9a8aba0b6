/** The options of a SyncthingDiscoverer: their checks and defaults. */
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
} from "../../client/checks.ts";
import { MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../../journal/device.ts";
import { deviceIdOfPem } from "../device-id.ts";
import { contextOf } from "../global/server.ts";
import { parseGlobalUrl } from "../global/url.ts";
import { isDialable } from "../local/addresses.ts";
import type { DeviceLookupOptions, SyncthingOptions, SyncthingTimings } from "./types.ts";

/** The UDP port of Syncthing's local discovery: 21027. */
export const SYNCTHING_LAN_PORT = 21027;
const LOOKUP_TIMEOUT_MS = 5_000;

const DEFAULT_TIMINGS: SyncthingTimings = {
  lanInterval: 30_000,
  lanRetention: 90_000,
  interfaces: 2_000,
  retry: 60_000,
  found: 300_000,
};

/** The options of {@link SyncthingDiscoverer.start}, checked and complete. */
export interface SyncthingSettings {
  /** `undefined`: the discoverer only looks and listens. */
  readonly identity: { readonly certificate: string; readonly key: string } | undefined;
  /** Without doubles; none: nothing is announced. */
  readonly addresses: readonly string[];
  /** Without doubles. */
  readonly servers: readonly string[];
  readonly lan: boolean;
  readonly lanPort: number;
  /** `undefined`: the default. */
  readonly interfaces: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timings: SyncthingTimings;
}

/** The options of a lookup, checked and complete. */
export interface DeviceLookupSettings {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly fresh: boolean;
}

const START_CHECKS: Checks<SyncthingOptions> = {
  certificate: checkCertificate,
  key: (name, value) => checkType(name, value, "string", "text in PEM"),
  addresses: checkAddresses,
  servers: (name, value) => {
    for (const server of checkStrings(name, value)) parseGlobalUrl(server);
  },
  lan: checkBoolean,
  // Not 0: IPv4 and IPv6 would listen on two different random ports.
  lanPort: (name, value) => checkPort(name, value, 1),
  interfaces: checkInterfaces,
  signal: checkSignal,
  timings: (name, value) => checkTimings(name, value, DEFAULT_TIMINGS),
};

const LOOKUP_CHECKS: Checks<DeviceLookupOptions> = {
  signal: checkSignal,
  timeout: (name, value) => checkMs(name, value, true),
  fresh: checkBoolean,
};

/** @throws {TypeError} for an unknown key or a value of a wrong type; {RangeError} for a wrong value */
export function syncthingSettings(options: SyncthingOptions): SyncthingSettings {
  checkOptions("options", options, START_CHECKS);
  const { certificate, key, addresses = [], servers = [], lan = true, lanPort = SYNCTHING_LAN_PORT } = options;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TypeError(`a certificate needs its key: there is no ${key === undefined ? "key" : "certificate"}`);
  }
  const identity = certificate === undefined || key === undefined ? undefined : { certificate, key };
  if (identity === undefined && addresses.length > 0) {
    throw new TypeError("to announce addresses, a device needs its certificate and its key");
  }
  // Also for a program whose first server comes later: the LAN uses no key.
  if (identity !== undefined) contextOf(identity);
  return {
    identity,
    addresses: [...new Set(addresses)],
    servers: [...new Set(servers)],
    lan,
    lanPort,
    interfaces: options.interfaces,
    signal: options.signal,
    timings: withDefaults(options.timings, DEFAULT_TIMINGS),
  };
}

/** @throws {TypeError} for an unknown key or a value of a wrong type; {RangeError} for a wrong value */
export function deviceLookupSettings(options: DeviceLookupOptions = {}): DeviceLookupSettings {
  checkOptions("options", options, LOOKUP_CHECKS);
  const { signal, timeout = LOOKUP_TIMEOUT_MS, fresh = false } = options;
  return { signal, timeout, fresh };
}

function checkCertificate(name: string, value: unknown): void {
  checkType(name, value, "string", "text in PEM");
  try {
    deviceIdOfPem(value as string);
  } catch (error) {
    throw new RangeError(`${name} is wrong: ${(error as Error).message}`);
  }
}

function checkAddresses(name: string, value: unknown): void {
  const addresses = checkStrings(name, value);
  for (const [i, address] of addresses.entries()) {
    if (isDialable(address)) continue;
    const given = JSON.stringify(address);
    throw new RangeError(
      `${name}[${i}] must be a URL with a port that other hosts can reach, such as "tcp://:22000", not ${given}`,
    );
  }
  const bytes = addresses.reduce((sum, { length }) => sum + length, 0);
  if (addresses.length > MAX_DEVICE_ADDRESSES || bytes > MAX_DEVICE_BYTES) {
    throw new RangeError(
      `${name} must have at most ${MAX_DEVICE_ADDRESSES} URLs, with ${MAX_DEVICE_BYTES} bytes in all`,
    );
  }
}
