/** Checks the options of a server and fills in the rest. Every error names the option and says what is expected. */

import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import { ipFamily } from "../codec/ip-family.ts";
import { checkEngineOptions, type EngineBackend, type Network } from "../engine/index.ts";
import { checkJournal } from "../journal/index.ts";
import { isEveryAddress, parseHostAndPort } from "../syncthing/directory/host-and-port.ts";
import { describeGivenSockets } from "../transport/given-sockets.ts";
import { isInterfaceName } from "../transport/xdp/interface.ts";
import { describeValue } from "../xdr/describe-value.ts";
import { checkKeys } from "../xdr/keys.ts";
import { checkNetwork, parseNetwork } from "./network.ts";
import {
  coalesceTime,
  defaultServerOptions,
  engineOptions,
  MAX_COALESCE,
  MAX_HTTPS_CAPACITY,
  MAX_RECEIVE_BUFFER,
  MAX_WORKERS,
  type ResolvedServerOptions,
  type ServerOptions,
  TRANSPORTS,
  workerCount,
} from "./options.ts";

/**
 * The error for an option: a TypeError for a value of the wrong kind, a RangeError for a value out of range.
 *
 * @example
 * ```ts
 * try {
 *   await DiscoveryServer.start({ sourceRate: -1 });
 * } catch (error) {
 *   (error as OptionError).option; // => "sourceRate"
 * }
 * ```
 */
export interface OptionError extends Error {
  /** The option's name. `message` begins with it, so that a program can put its own name for the option in its place. */
  readonly option: keyof ServerOptions;
}

type Kind = new (message: string) => Error;

function optionError(Kind: Kind, option: keyof ServerOptions, rest: string): OptionError {
  return Object.assign(new Kind(`${option} ${rest}`), { option });
}

/**
 * @throws {TypeError} if a key is unknown, or a value is of the wrong kind. The latter is an {@link OptionError}
 * @throws {RangeError} if a value is out of range: an {@link OptionError}
 */
export function resolveOptions(options: Partial<ServerOptions>): ResolvedServerOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object, not ${describeValue(options)}`);
  }
  const defaults = defaultServerOptions();
  checkKeys("options", options, Object.keys(defaults));
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all: ServerOptions = { ...defaults, ...given };

  if (all.workers !== "auto") whole(all, "workers", 1, MAX_WORKERS, ' or "auto"');
  whole(all, "port", 0, 65535);
  if (all.coalesce !== "auto") whole(all, "coalesce", 0, MAX_COALESCE, ' or "auto"');
  whole(all, "receiveBuffer", 1, MAX_RECEIVE_BUFFER);
  whole(all, "capacity", 1, 2 ** 32);
  whole(all, "maxIdLength", 1, MAX_ID_LENGTH);
  number(all, "retention", (s) => s > 0 && s <= 1e9, "a number of seconds above 0, up to 1000000000");
  for (const name of ["sourceRate", "nodeRate", "newRate"] as const) {
    number(all, name, (n) => n === 0 || (n >= 1e-6 && n <= 1e9), "0 or a number from 0.000001 to 1000000000");
  }
  for (const name of ["sourceBurst", "nodeBurst", "newBurst"] as const) {
    number(all, name, (n) => n >= 1 && n <= 1e9, "a number from 1 to 1000000000");
  }
  whole(all, "httpsCapacity", 1, MAX_HTTPS_CAPACITY);
  for (const name of ["limitDryRun", "sharePort", "httpsUnverified", "fallback"] as const) {
    if (typeof all[name] !== "boolean") {
      throw optionError(TypeError, name, `must be true or false, not ${describeValue(all[name])}`);
    }
  }
  checkSockets(all.sockets, given);
  oneOf("transport", all.transport, TRANSPORTS);
  checkInterface(all);
  checkEngine(all.engine);
  const host = resolvedHosts(all.host);
  const allow = resolvedNetworks("allow", all.allow);
  const trustProxy = resolvedNetworks("trustProxy", all.trustProxy);
  checkDirectoryOptions(all);
  checkJournalOptions(all);
  // Bun.udpSocket cannot tell which address of the host a datagram was sent to, and may drop datagrams when it is closed.
  const transport = all.sockets.length > 0 && all.transport === "udp" ? "mmsg" : all.transport;
  return {
    ...all,
    host,
    allow,
    trustProxy,
    transport,
    sockets: [...all.sockets],
    workers: workerCount(all),
    coalesce: coalesceTime(all),
  };
}

/** Checks options as a start does, without starting anything. @throws as `DiscoveryServer.start` does for its options. */
export function checkOptions(options: Partial<ServerOptions>): void {
  checkEngineOptions(engineOptions(resolveOptions(options)));
}

/** The options whose value is a number. */
type NumberOption = {
  [Name in keyof ServerOptions]: number extends ServerOptions[Name] ? Name : never;
}[keyof ServerOptions];

function number(options: ServerOptions, name: NumberOption, isOk: (n: number) => boolean, expected: string): void {
  const value = options[name];
  if (typeof value === "number" && isOk(value)) return;
  const Kind = typeof value === "number" ? RangeError : TypeError;
  throw optionError(Kind, name, `must be ${expected}, not ${describeValue(value)}`);
}

function whole(options: ServerOptions, name: NumberOption, least: number, most: number, other = ""): void {
  const isOk = (n: number) => Number.isInteger(n) && n >= least && n <= most;
  number(options, name, isOk, `a whole number from ${least} to ${most}${other}`);
}

function oneOf(name: keyof ServerOptions, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  const [last, ...others] = known.map((other) => `"${other}"`).reverse();
  const expected = `must be ${others.reverse().join(", ")} or ${last}`;
  if (typeof value === "string") throw optionError(RangeError, name, `${expected}, not ${JSON.stringify(value)}`);
  throw optionError(TypeError, name, `${expected}, not ${describeValue(value)}`);
}

function checkInterface({ transport, interface: name }: ServerOptions): void {
  const expected = "must be the name of a network interface, such as eth0";
  if (name === undefined) {
    if (transport === "xdp")
      throw optionError(
        RangeError,
        "interface",
        "is needed by the transport xdp: the name of a network interface, such as eth0",
      );
    return;
  }
  if (typeof name !== "string") throw optionError(TypeError, "interface", `${expected}, not ${describeValue(name)}`);
  if (!isInterfaceName(name)) throw optionError(RangeError, "interface", `${expected}, not ${JSON.stringify(name)}`);
}

function checkEngine(engine: EngineBackend | readonly EngineBackend[]): void {
  const engines = Array.isArray(engine) ? engine : [engine];
  for (const one of engines) oneOf("engine", one, ["wasm", "ts"]);
  if (engines.length === 0) throw optionError(RangeError, "engine", "must name at least one engine");
}

function checkSockets(sockets: readonly number[], given: object): void {
  const expected = "must be an array of descriptors, such as [3]";
  if (!Array.isArray(sockets)) throw optionError(TypeError, "sockets", `${expected}, not ${describeValue(sockets)}`);
  const wrong = sockets.findIndex((fd) => typeof fd !== "number");
  if (wrong >= 0) {
    throw optionError(TypeError, "sockets", `${expected}, but element ${wrong} is ${describeValue(sockets[wrong])}`);
  }
  const negative = sockets.find((fd) => !Number.isInteger(fd) || fd < 0);
  if (negative !== undefined) throw optionError(RangeError, "sockets", `${expected}, and ${negative} is no descriptor`);
  if (sockets.length === 0) return;
  try {
    describeGivenSockets(sockets);
  } catch (error) {
    throw optionError(RangeError, "sockets", `cannot be used: ${(error as Error).message}`);
  }
  for (const name of ["host", "port", "sharePort"] as const) {
    if (name in given) throw optionError(RangeError, name, "cannot be combined with sockets: they are bound already");
  }
}

function resolvedHosts(host: string | readonly string[]): string | string[] {
  if (!Array.isArray(host)) return resolvedHost(host as string);
  if (host.length === 0) throw optionError(RangeError, "host", "must name at least one address or name");
  return host.map(resolvedHost);
}

/** The host without the brackets around an IPv6 address. */
function resolvedHost(host: string): string {
  const expected = "must be an address or a name";
  if (typeof host !== "string") throw optionError(TypeError, "host", `${expected}, not ${describeValue(host)}`);
  if (host === "") throw optionError(RangeError, "host", `${expected}, not an empty string`);
  const inside = /^\[(.+)\]$/.exec(host)?.[1];
  const address = inside !== undefined && ipFamily(inside) === 6 ? inside : host;
  if (address.includes(":") && ipFamily(address) !== 6) {
    throw optionError(RangeError, "host", `${expected} without a port, not ${JSON.stringify(host)}`);
  }
  return address;
}

function resolvedNetworks(name: "allow" | "trustProxy", networks: readonly (string | Network)[]): Network[] {
  const expected = 'must be an array of networks, such as ["192.0.2.0/24"]';
  if (!Array.isArray(networks)) throw optionError(TypeError, name, `${expected}, not ${describeValue(networks)}`);
  return networks.map((network: unknown, i) => {
    if (typeof network !== "string" && (typeof network !== "object" || network === null)) {
      throw optionError(TypeError, name, `${expected}, but element ${i} is ${describeValue(network)}`);
    }
    try {
      if (typeof network === "string") return parseNetwork(network);
      checkKeys("a network", network, ["address", "prefix"]);
      const { address, prefix } = network as Network;
      checkNetwork({ address, prefix });
      return { address: address.slice(), prefix };
    } catch (error) {
      const Kind = error instanceof RangeError ? RangeError : TypeError;
      throw optionError(Kind, name, `has an invalid element at index ${i}: ${(error as Error).message}`);
    }
  });
}

/** RFC 9110 §5.6.2. */
function isHeaderName(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text);
}

/** Checks where HTTP and HTTPS are served, and with which files. */
function checkDirectoryOptions(options: ServerOptions): void {
  for (const name of ["https", "http"] as const) {
    const value = options[name];
    const expected = "must be HOST:PORT, such as 0.0.0.0:8443 or [::]:8443, or off";
    if (typeof value !== "string") throw optionError(TypeError, name, `${expected}, not ${describeValue(value)}`);
    if (value === "off" || parseHostAndPort(value) !== undefined) continue;
    throw optionError(RangeError, name, `${expected}, not ${JSON.stringify(value)}`);
  }
  for (const name of ["httpsCert", "httpsKey"] as const) {
    const value = options[name];
    const expected = "must be the path of a file";
    if (typeof value !== "string") throw optionError(TypeError, name, `${expected}, not ${describeValue(value)}`);
    if (value === "") throw optionError(RangeError, name, `${expected}, not an empty string`);
  }
  const { proxyHeader } = options;
  const expected = "must be the name of a header, such as X-Ssl-Cert, or auto";
  if (typeof proxyHeader !== "string") {
    throw optionError(TypeError, "proxyHeader", `${expected}, not ${describeValue(proxyHeader)}`);
  }
  if (!isHeaderName(proxyHeader)) {
    throw optionError(RangeError, "proxyHeader", `${expected}, not ${JSON.stringify(proxyHeader)}`);
  }
  if (options.http !== "off" && options.trustProxy.length === 0) {
    throw optionError(
      RangeError,
      "http",
      "needs trustProxy: the networks of the proxies that may tell a client's certificate",
    );
  }
  const [https, http] = [parseHostAndPort(options.https), parseHostAndPort(options.http)];
  if (https === undefined || http === undefined || http.port === 0 || http.port !== https.port) return;
  // The system would allow it, since threads share ports, and give each of both half of the connections.
  if (http.host === https.host || isEveryAddress(http.host) || isEveryAddress(https.host)) {
    throw optionError(RangeError, "http", `needs another port than https, which has ${https.port} already`);
  }
}

function checkJournalOptions({ journal, journalPrefix }: ServerOptions): void {
  for (const [name, value] of Object.entries({ journal, journalPrefix })) {
    if (typeof value !== "string") {
      throw optionError(TypeError, name as keyof ServerOptions, `must be a string, not ${describeValue(value)}`);
    }
  }
  try {
    checkJournal(journal, journalPrefix);
  } catch (error) {
    const option = (error as Error).message.startsWith("journalPrefix ") ? "journalPrefix" : "journal";
    throw Object.assign(error as Error, { option });
  }
}
