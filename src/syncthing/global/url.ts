/** The URL of a global discovery server, with Syncthing's options in its query. */
import { describeValue } from "../../xdr/describe-value.ts";
import { suggestion } from "../../xdr/keys.ts";
import { parseDeviceId } from "../device-id.ts";

/** The parsed URL of a server. */
export interface GlobalUrl {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of the requests, without the options. */
  readonly path: string;
  /** `host:port`, with brackets around an IPv6 address. */
  readonly name: string;
  /** The device ID that the server's certificate must have, 32 bytes. Nothing else of the certificate counts then. */
  readonly id: Uint8Array | undefined;
  /** Whether the server is not verified at all. Always false with an `id`. */
  readonly insecure: boolean;
  /** False with the option `noannounce`. */
  readonly announces: boolean;
  /** False with the option `nolookup`. */
  readonly looksUp: boolean;
}

const HTTPS_PORT = 443;
const OPTIONS = ["id", "insecure", "noannounce", "nolookup"];

/**
 * Parses the URL of a global discovery server. The options stand in its query, as in Syncthing: `id=DEVICE-ID`,
 * `insecure`, `noannounce`, `nolookup`.
 *
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is not such a URL; the message says what is wrong
 * @example
 * ```ts
 * const { name, announces, looksUp } = parseGlobalUrl("https://discovery.example/v2/?noannounce");
 * [name, announces, looksUp]; // => ["discovery.example:443", false, true]
 * parseGlobalUrl("https://discovery.example/?id=ABC"); // throws RangeError
 * ```
 */
export function parseGlobalUrl(text: string): GlobalUrl {
  if (typeof text !== "string") throw new TypeError(`the URL of a server must be a string, not ${describeValue(text)}`);
  if (!/^https:\/\//i.test(text)) throw new RangeError(`"${text}" must begin with https://`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new RangeError(`"${text}" is not a URL: write https://HOST:PORT/?id=DEVICE-ID`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new RangeError(`the URL of ${url.host} must have no user name: servers know devices by their certificates`);
  }
  if (url.hash !== "") throw new RangeError(`"${text}" must have no "#"`);
  const port = url.port === "" ? HTTPS_PORT : Number(url.port);
  if (port === 0) throw new RangeError(`"${text}" must have a port from 1 to 65535`);
  const id = idOption(url);
  for (const key of url.searchParams.keys()) {
    if (!OPTIONS.includes(key)) throw new RangeError(`"${text}" has no option "${key}"${suggestion(key, OPTIONS)}`);
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    path: url.pathname,
    name: `${url.hostname}:${port}`,
    id,
    insecure: switchOption(url, "insecure") && id === undefined,
    announces: !switchOption(url, "noannounce"),
    looksUp: !switchOption(url, "nolookup"),
  };
}

function idOption(url: URL): Uint8Array | undefined {
  const [id, second] = url.searchParams.getAll("id");
  if (id === undefined) return undefined;
  if (second !== undefined) throw new RangeError(`the URL of ${url.host} must have one id only`);
  try {
    return parseDeviceId(id);
  } catch (error) {
    throw new RangeError(`the id of ${url.host} is wrong: ${(error as Error).message}`);
  }
}

/** A switch is on if it is there, unless its value says no. */
function switchOption(url: URL, name: string): boolean {
  const value = url.searchParams.get(name);
  if (value === null || ["false", "no", "0"].includes(value)) return false;
  if (["", "true", "yes", "1"].includes(value)) return true;
  throw new RangeError(`the option ${name} of ${url.host} is a switch: write it alone, without "${value}"`);
}
