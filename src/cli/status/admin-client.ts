/** Asks the admin server of a running server for its state. */
import * as http from "node:http";
import type * as https from "node:https";
import { InvalidArgumentError } from "commander";
import type { ErrorReply, LimitedKey, LimitedReply, ReadyReply, StatsReply } from "../../admin/api.ts";
import { builtin } from "../../client/builtin.ts";
import { parseHostAndPort } from "../../syncthing/directory/host-and-port.ts";
import { errorText } from "../errors.ts";
import { visible } from "../terminal/style.ts";

/** How long all requests of one look at a server may take together. */
export const LIMIT_MS = 5000;
/** More than any reply has. Another program may send without end. */
const MAX_REPLY = 2 ** 24;

/** What a server says of itself. */
export interface State {
  /** undefined while the server restores its journal. */
  readonly stats: StatsReply | undefined;
  readonly readiness: ReadyReply;
  readonly limited: readonly LimitedKey[];
}

/** No server can be asked there. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** The server does not accept the token, or wants one. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/**
 * Parses `HOST:PORT` as the server's `--admin` has it, or a URL. An address that is every interface means this machine.
 * `off` is no error here: the variable may have it for the server, and `--help` must work all the same.
 */
export function adminUrl(text: string): URL | "off" {
  if (text === "off") return text;
  const written = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const url =
    URL.canParse(written) && (written === text || parseHostAndPort(text) !== undefined) ? new URL(written) : undefined;
  if (url === undefined || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("It must be HOST:PORT, or a URL such as https://discovery.example.org.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError("It must not contain a user or password: give the token by --admin-token.");
  }
  if (url.port === "0") throw new InvalidArgumentError("It must have the port that the server took, not 0.");
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  url.pathname = url.pathname.replace(/\/*$/, "/");
  return url;
}

export class AdminClient {
  readonly url: URL;
  readonly #token: string | undefined;
  readonly #http: typeof http | typeof https;
  readonly #agent: http.Agent | https.Agent;

  constructor(url: URL, token: string | undefined) {
    this.url = url;
    this.#token = token;
    // Loaded on use: most servers are asked over HTTP, and node:https takes as long to load as the command itself.
    this.#http = url.protocol === "https:" ? builtin<typeof https>("node:https") : http;
    this.#agent = new this.#http.Agent({ keepAlive: true });
  }

  /**
   * @param signal - ends the requests
   * @throws {UnreachableError} if the server does not answer within 5 s, or something else answers
   * @throws {RefusedError} if the token is wrong or missing
   */
  async read(signal: AbortSignal = AbortSignal.timeout(LIMIT_MS)): Promise<State> {
    const [ready, stats, limited] = await Promise.all(
      ["readyz", "api/stats", "api/limited"].map((path) => this.#get(path, signal)),
    );
    if (!isReadiness(ready!.body)) throw this.#other();
    const readiness = ready!.body;
    if (stats!.status === 503) return { stats: undefined, readiness, limited: [] };
    if (!isStats(stats!.body) || !isLimited(limited!.body)) throw this.#other();
    return { stats: stats!.body, readiness, limited: limited!.body.limited };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #get(path: string, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    const { status, text } = await this.#request(path, signal);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      throw this.#other();
    }
    if (status === 401) {
      if (this.#token !== undefined) throw wrongToken();
      throw new RefusedError("the server wants a token: give --admin-token, or set WHEREABOUTS_ADMIN_TOKEN");
    }
    if (status === 403) throw new RefusedError(`the server refuses: ${reasonOf(body)}`);
    if (status !== 200 && status !== 503) throw this.#other();
    return { status, body };
  }

  #request(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    // Node throws for other characters.
    if (this.#token !== undefined && !/^[!-~]+$/.test(this.#token)) throw wrongToken();
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(this.#unreachable(error, signal));
      const { request } = this.#http;
      request(new URL(path, this.url), { agent: this.#agent, headers, signal }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MAX_REPLY) response.destroy(new Error("its reply does not end"));
        });
        response.on("error", fail);
        response.on("end", () => resolve({ status: response.statusCode!, text }));
      })
        .on("error", fail)
        .end();
    });
  }

  #unreachable(error: Error, signal: AbortSignal): UnreachableError {
    if (signal.aborted) return new UnreachableError(`no answer within ${LIMIT_MS / 1000} s`);
    const { code } = error as NodeJS.ErrnoException;
    // A parser's error: this is not HTTP.
    if (code?.startsWith("HPE_")) return this.#other();
    return new UnreachableError(code === "ECONNRESET" ? "the connection was closed" : errorText(error));
  }

  #other(): UnreachableError {
    return new UnreachableError("something else answers there, not an admin server of this version of whereabouts");
  }
}

function wrongToken(): RefusedError {
  return new RefusedError("the server does not accept this token: it must be the one of its --admin-token");
}

function isReadiness(body: unknown): body is ReadyReply {
  return typeof (body as ReadyReply | null)?.ready === "boolean" && Array.isArray((body as ReadyReply).checks);
}

function isStats(body: unknown): body is StatsReply {
  const stats = body as Partial<StatsReply> | null;
  const numbers = [stats?.received, stats?.nodes, stats?.capacity, stats?.uptime, stats?.journal?.lag];
  const arrays = [stats?.perWorker, stats?.problems, stats?.listening];
  return (
    numbers.every((n) => typeof n === "number") && arrays.every(Array.isArray) && typeof stats?.verdicts === "object"
  );
}

function isLimited(body: unknown): body is LimitedReply {
  return Array.isArray((body as LimitedReply | null)?.limited);
}

/** The text of an error reply. */
function reasonOf(body: unknown): string {
  const { error } = (body ?? {}) as Partial<ErrorReply>;
  return typeof error === "string" ? visible(error) : "it gives no reason";
}
