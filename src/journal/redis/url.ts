/** URLs of Redis and Valkey, and texts about them without passwords. */

const PROTOCOLS = ["redis", "rediss", "valkey", "valkeys", "redis+unix"];
const DEFAULT_PORT = 6379;
/** The port in a URL that may be invalid. */
const PORT = /^[\w+]+:\/\/(?:[^@]*@)?(?:\[[^\]]*\]|[^:/@[\]]+):([^:/?#@]*)(?:[/?#]|$)/;

export interface RedisTarget {
  /** For the client, with credentials and database. */
  readonly url: string;
  /** For messages, without the password. */
  readonly where: string;
  readonly hostname: string;
  readonly port: number;
  /** Path of a Unix socket, which replaces host and port. */
  readonly unix: string | undefined;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
}

export function isRedisUrl(text: string): boolean {
  return PROTOCOLS.some((protocol) => text.startsWith(`${protocol}://`));
}

/** @throws {RangeError} whose message does not quote the text, which may contain a password. */
export function parseRedisUrl(text: string): RedisTarget {
  const wrong = (why: string) =>
    new RangeError(`journal: ${why}; write redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with TLS`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    const port = PORT.exec(text)?.[1];
    if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65535)) {
      throw wrong("the port in the URL of Redis must be a number up to 65535");
    }
    throw wrong("the URL of Redis is invalid (special characters in the password must be written as %XX)");
  }
  const unix = url.protocol === "redis+unix:" ? url.pathname : undefined;
  if (url.search !== "" || url.hash !== "") throw wrong("the URL of Redis must not contain ? or #");
  if (unix === undefined && url.hostname === "") throw wrong("the URL of Redis has no host");
  if (unix === undefined && !/^(\/\d*)?$/.test(url.pathname))
    throw wrong("the database in the URL of Redis must be a number");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const [username, password] = [decode(url.username), decode(url.password)];
  if (username === undefined || password === undefined)
    throw wrong("the user or password in the URL of Redis has an invalid %XX");
  // "redis://secret@host" was probably meant to be a password, and user names are logged.
  if (username !== "" && password === "") throw wrong("the URL of Redis has a user but no password");
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

/** Removes the password from a message, as it is and as the URL spells it. */
export function redact(message: string, { url, password }: RedisTarget): string {
  if (password === "") return message;
  const written = /:([^:@/]+)@/.exec(url)?.[1] ?? password;
  return message.replaceAll(url, "the URL").replaceAll(password, "***").replaceAll(written, "***");
}
