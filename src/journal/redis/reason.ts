/** Why Redis does not do what it is asked to, in words that say what to do. */
import type { RedisTarget } from "./url.ts";

const TIMEOUT_MS = 1500;

/** Errors of Redis by their first word. */
const REASONS: Readonly<Record<string, string>> = {
  NOAUTH: "it demands a password",
  WRONGPASS: "it knows no such user with that password",
  DENIED: "it is in protected mode and serves its own host only",
  OOM: "it is out of memory (maxmemory)",
  MISCONF: "it takes no more writes since it cannot save to its disk",
  READONLY: "it is a replica, which takes no writes",
  LOADING: "it is loading its data",
  MASTERDOWN: "it is a replica that has lost its master",
  WRONGTYPE: "something else is kept under the key of the journal: give another --journal-prefix",
  MOVED: "it is part of a cluster, which is not supported",
  CLUSTERDOWN: "it is part of a cluster, which is not supported",
};

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no way to the host",
  ENOENT: "there is no such socket",
  EACCES: "not permitted",
  ENOTFOUND: "the name is not known",
  DNS_ENOTFOUND: "the name is not known",
  ETIMEDOUT: "no answer",
};

/** What an error reply means. */
export function replyReason(message: string): string {
  const reason = REASONS[/^-?([A-Z]+)\b/.exec(message)?.[1] ?? ""];
  return reason ?? message.replace(/^-?(ERR|NOPERM) /, "").split("\r\n")[0]!;
}

/**
 * Why no connection came about. Bun's client says only that it was closed, so this asks again by hand, and reads the first
 * line of the answer.
 */
export async function connectReason(target: RedisTarget): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  const hint = target.tls ? " (does it speak TLS?)" : "";
  const timer = setTimeout(() => resolve(answer === "" ? `no answer${hint}` : "it is no Redis"), TIMEOUT_MS);
  const handlers: Bun.SocketHandler<undefined> = {
    open: (socket) => void socket.write(hello(target)),
    data(_socket, bytes) {
      answer += bytes.toString("latin1");
      if (answer.startsWith("-") && answer.includes("\r\n")) resolve(replyReason(answer));
      else if (/^[%*]\d/.test(answer)) resolve("the connection was closed");
      else if (answer.length > 0 && !/^[-%*]/.test(answer)) resolve("it is no Redis");
    },
    close: () => resolve(`the connection was closed${hint}`),
    error: (_socket, error) => resolve(systemReason(error)),
    handshake(_socket, success, error) {
      const trust = "NODE_EXTRA_CA_CERTS=FILE names certificates to trust";
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

function hello({ username, password }: RedisTarget): string {
  const credentials = password === "" ? [] : ["AUTH", username === "" ? "default" : username, password];
  const words = ["HELLO", "3", ...credentials];
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

function systemReason(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return SYSTEM_REASONS[code ?? ""] ?? message;
}
