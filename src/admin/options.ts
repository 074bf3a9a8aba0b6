/** The options of the admin server, checked. */
import ipaddr from "ipaddr.js";
import { ipFamily } from "../codec/ip-family.ts";
import { describeValue } from "../xdr/describe-value.ts";
import { checkKeys } from "../xdr/keys.ts";

export interface AdminOptions {
  /** Numeric IP, IPv6 without brackets, or a name that resolves to an address of this machine. */
  readonly host: string;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Secret that requests must present: ASCII without spaces. Needed unless `host` is a loopback address or `localhost`. */
  readonly token?: string | undefined;
}

/** The error for an option: a TypeError for a value of the wrong kind, a RangeError for a value out of range. */
export interface AdminOptionError extends Error {
  /** The option's name. `message` begins with it. */
  readonly option: keyof AdminOptions;
}

type Kind = new (message: string) => Error;

function optionError(Kind: Kind, option: keyof AdminOptions, rest: string): AdminOptionError {
  return Object.assign(new Kind(`${option} ${rest}`), { option });
}

/**
 * @throws {TypeError} if a key is unknown, or a value is of the wrong kind. The latter is an {@link AdminOptionError}
 * @throws {RangeError} if a value is out of range, or the token is missing: an {@link AdminOptionError}. The message never
 *   contains the token
 */
export function checkAdminOptions(options: AdminOptions): void {
  checkKeys("options", options, ["host", "port", "token"]);
  const { host, port, token } = options;
  if (typeof host !== "string") throw optionError(TypeError, "host", `must be a text, not ${describeValue(host)}`);
  if (host === "") throw optionError(RangeError, "host", "must be an address or a name, not an empty text");
  if (typeof port !== "number") throw optionError(TypeError, "port", `must be a number, not ${describeValue(port)}`);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw optionError(RangeError, "port", `must be a whole number from 0 to 65535, not ${port}`);
  }
  if (token !== undefined && typeof token !== "string") throw optionError(TypeError, "token", "must be a text");
  // A header cannot carry anything else.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw optionError(RangeError, "token", "must be letters, digits and punctuation of ASCII, without spaces");
  }
  if (token === undefined && !isLoopback(host)) {
    throw optionError(RangeError, "token", `is needed, because ${host} can be reached from other machines`);
  }
}

/** Whether only this machine can reach the address: 127.0.0.0/8, ::1 and `localhost`. */
function isLoopback(host: string): boolean {
  if (ipFamily(host) === undefined) return host.toLowerCase() === "localhost";
  return ipaddr.process(host).range() === "loopback";
}
