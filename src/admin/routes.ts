/** The paths of the admin server, and the handler for each. */
import { ServerError } from "../server/index.ts";
import type { ReadyReply } from "./api.ts";
import { type Asset, asset } from "./assets.ts";
import { MAX_STREAMS } from "./events.ts";
import { type Bytes, errorReply, JSON_TYPE, jsonReply, reply, TEXT_TYPE } from "./http.ts";
import { nodeIdFromPath } from "./node-id.ts";
import type { Watched } from "./watched.ts";

const NODES = "/api/nodes/";
/** How many seconds a client that is refused for now should wait. */
const RETRY_AFTER = { "retry-after": "2" };

type Phase = "starting" | "running" | "stopping";

/** What the admin server knows of the discovery server. */
export interface State {
  readonly phase: Phase;
  /** undefined while it starts. */
  readonly watched: Watched | undefined;
}

const REASONS = {
  starting: "the server is starting: it reads its journal and opens its sockets",
  stopping: "the server is stopping",
} as const;

type Route = (watched: Watched, request: Request) => Response | Promise<Response>;

/** Routes that need a running server. */
const ROUTES: Readonly<Record<string, Route>> = {
  "/metrics": async (watched) => reply(await watched.metrics(), { type: "text/plain; version=0.0.4; charset=utf-8" }),
  "/api/stats": async (watched) => shared(await watched.stats()),
  "/api/limited": (watched) => shared(watched.limited()),
  "/api/history": (watched) => shared(watched.history()),
  "/api/events": events,
};

/** @param path - the path of the request's URL */
export async function route(request: Request, path: string, state: State): Promise<Response> {
  const answer = answerOf(path, state);
  if (answer === undefined) return errorReply(404, "there is no such path: docs/admin.md lists all");
  // Bun leaves the body away for HEAD.
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorReply(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });
  }
  return answer(request);
}

/** The handler for a path; undefined for an unknown path. */
function answerOf(path: string, { phase, watched }: State) {
  if (path === "/healthz") return () => reply("ok\n", { type: TEXT_TYPE });
  if (path === "/readyz") return () => ready(phase, watched);
  const file = asset(path);
  if (file !== undefined) return (request: Request) => page(file, request);
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : path.startsWith(NODES) ? node : undefined;
  if (route === undefined) return undefined;
  return (request: Request) =>
    watched === undefined ? errorReply(503, REASONS.starting, RETRY_AFTER) : route(watched, request);
}

async function ready(phase: Phase, watched: Watched | undefined): Promise<Response> {
  const result: ReadyReply =
    phase === "running" ? await watched!.ready() : { ready: false, reason: REASONS[phase], checks: [] };
  return jsonReply(result, result.ready ? 200 : 503);
}

function node(watched: Watched, request: Request): Response {
  let nodeId: Uint8Array;
  try {
    nodeId = nodeIdFromPath(pathOf(request)!.slice(NODES.length));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return errorReply(400, error.message);
  }
  try {
    const found = watched.node(nodeId);
    return found === undefined ? errorReply(404, "the server does not know this node") : jsonReply(found);
  } catch (error) {
    if (!(error instanceof ServerError) || error.code !== "busy") throw error;
    return errorReply(503, error.message, RETRY_AFTER);
  }
}

function events({ events }: Watched): Response {
  const stream = events.open();
  if (stream === undefined)
    return errorReply(
      503,
      `${MAX_STREAMS} pages or programs follow this server already: close one, or read /api/stats`,
      RETRY_AFTER,
    );
  return reply(stream, { type: "text/event-stream" });
}

function shared(body: Bytes): Response {
  return reply(body, { type: JSON_TYPE });
}

/** The file for browsers, which understand gzip; without compression for others. */
function page({ contentType, etag, gzip }: Asset, { headers }: Request): Response {
  // Unlike all other replies a file may be stored, but must be asked for each time.
  const caching = { "cache-control": "no-cache", etag, vary: "accept-encoding" };
  if (headers.get("if-none-match") === etag) return reply(null, { status: 304, headers: caching });
  if (!acceptsGzip(headers)) return reply(Bun.gunzipSync(gzip), { type: contentType, headers: caching });
  return reply(gzip, { type: contentType, headers: { ...caching, "content-encoding": "gzip" } });
}

function acceptsGzip(headers: Headers): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(headers.get("accept-encoding") ?? "");
}

/** The path of a request's URL. Its host is whatever the client sent, so the URL may be invalid: then undefined. */
export function pathOf({ url }: Request): string | undefined {
  return URL.parse(url, "http://localhost")?.pathname;
}
