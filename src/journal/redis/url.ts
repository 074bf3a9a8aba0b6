/** Where a Redis is, and how it may be spoken of. */

const PROTOCOLS = ["redis", "rediss", "valkey", "valkeys", "redis+unix"];
const DEFAULT_PORT = 6379;

export interface RedisTarget {
  /** For the client: with credentials and database. */
  readonly url: string;
  /** For people: without a password. */
  readonly where: string;
  readonly hostname: string;
  readonly port: number;
  /** Path of a socket, instead of host and port. */
  readonly unix: string | undefined;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
}

export function isRedisUrl(text: string): boolean {
  return PROTOCOLS.some((protocol) => text.startsWith(`${protocol}://`));
}

/** @throws {RangeError} that does not quote the text, for a password may be in it. */
export function parseRedisUrl(text: string): RedisTarget {
  const wrong = (why: string) =>
    new RangeError(`journal: ${why}; write redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with TLS`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("the URL of Redis does not parse (is a character of the password to be written as %XX?)");
  }
  const unix = url.protocol === "redis+unix:" ? url.pathname : undefined;
  if (url.search !== "" || url.hash !== "") throw wrong("the URL of Redis must not have ? or #");
  if (unix === undefined && url.hostname === "") throw wrong("the URL of Redis names no host");
  if (unix === undefined && !/^(\/\d*)?$/.test(url.pathname))
    throw wrong("the database in the URL of Redis must be a number");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const [username, password] = [decode(url.username), decode(url.password)];
  if (username === undefined || password === undefined)
    throw wrong("credentials in the URL of Redis are badly escaped");
  // What a log shows as a user may be the password then.
  if (username !== "" && password === "") throw wrong("the URL of Redis has a user and no password");
  const user = username === "" ? "" : `${url.username}@`;
  const database = url.pathname.slice(1) || "0";
  return {
    url: text,
    where: unix === undefined ? `${url.protocol}//${user}${url.hostname}:${port}/${database}` : `redis+unix://${unix}`,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    unix,
    tls: url.protocol === "rediss:" || url.protocol === "valkeys:",
    username,
    password,
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** A message without the password, however it got there. */
export function redact(message: string, { url, password }: RedisTarget): string {
  if (password === "") return message;
  const written = /:([^:@/]+)@/.exec(url)?.[1] ?? password;
  return message.replaceAll(url, "the URL").replaceAll(password, "***").replaceAll(written, "***");
}
