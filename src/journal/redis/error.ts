/** Errors of Redis and of connections to it, in words that say what to do. */
import type { RedisTarget } from "./url.ts";

const TIMEOUT_MS = 1500;

/** Error replies by their first word. */
const REPLY_REASONS: Readonly<Record<string, string>> = {
  NOAUTH: "it demands a password",
  WRONGPASS: "it does not accept this user and password",
  DENIED: "it is in protected mode and serves only its own host",
  OOM: "it is out of memory (maxmemory)",
  MISCONF: "it refuses writes because it cannot save to its disk",
  READONLY: "it is a replica, which refuses writes",
  LOADING: "it is still loading its data",
  MASTERDOWN: "it is a replica that has lost its master",
  WRONGTYPE: "the key of the journal holds other data: set another --journal-prefix",
  MOVED: "it is part of a cluster, which is not supported",
  CLUSTERDOWN: "it is part of a cluster, which is not supported",
};

const UNKNOWN_HOST = "the host name cannot be resolved; check the host in --journal, and the name server";
const NO_ROUTE = "there is no route to the host; check the host in --journal, and the network";

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; check that Redis runs there, and the host and port in --journal",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ENOENT: "the socket file does not exist; check the path in --journal",
  EACCES: "permission denied",
  EAI_AGAIN: UNKNOWN_HOST,
  ENOTFOUND: UNKNOWN_HOST,
  DNS_ENOTFOUND: UNKNOWN_HOST,
  ETIMEDOUT: "no answer",
};

const NOT_REDIS = "something else than Redis answers there; check the host and port in --journal";

/** The meaning of an error reply. */
export function replyReason(message: string): string {
  const reason = REPLY_REASONS[/^-?([A-Z]+)\b/.exec(message)?.[1] ?? ""];
  return reason ?? message.replace(/^-?(ERR|NOPERM) /, "").split("\r\n")[0]!;
}

/**
 * Finds out why a connection failed. Bun's client reports only that it was closed, so this connects once more with a
 * plain socket and reads the first line of the reply.
 */
export async function connectFailureReason(target: RedisTarget): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let reply = "";
  const tlsHint = target.tls ? " (does it speak TLS?)" : "";
  const timer = setTimeout(() => resolve(reply === "" ? `no answer${tlsHint}` : NOT_REDIS), TIMEOUT_MS);
  const handlers: Bun.SocketHandler<undefined> = {
    open: (socket) => void socket.write(hello(target)),
    data(_socket, bytes) {
      reply += bytes.toString("latin1");
      if (reply.startsWith("-") && reply.includes("\r\n")) resolve(replyReason(reply));
      else if (/^[%*]\d/.test(reply)) resolve("the connection was closed");
      else if (reply.length > 0 && !/^[-%*]/.test(reply)) resolve(NOT_REDIS);
    },
    close: () => resolve(`the connection was closed${tlsHint}`),
    error: (_socket, error) => resolve(systemReason(error)),
    handshake(_socket, success, error) {
      const trust = "NODE_EXTRA_CA_CERTS=FILE adds trusted certificates";
      if (!success || error) resolve(`TLS failed: ${error?.message ?? "no reason given"} (${trust})`);
    },
    connectError: (_socket, error) => resolve(systemReason(error)),
  };
  const { hostname, port, unix, tls } = target;
  let socket: { end(): void } | undefined;
  try {
    socket = await (unix === undefined
      ? Bun.connect({ hostname, port, tls, socket: handlers })
      : Bun.connect({ unix, socket: handlers }));
  } catch (error) {
    resolve(systemReason(error as Error));
  }
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket?.end();
  }
}

/** The HELLO command, which opens a connection and logs in. */
function hello({ username, password }: RedisTarget): string {
  const credentials = password === "" ? [] : ["AUTH", username === "" ? "default" : username, password];
  const words = ["HELLO", "3", ...credentials];
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

function systemReason(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return SYSTEM_REASONS[code ?? ""] ?? message;
}
