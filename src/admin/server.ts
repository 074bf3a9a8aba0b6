/** The admin server: HTTP for the people and programs that watch a discovery server. */
import type { DiscoveryServer } from "../server/index.ts";
import type { LimitedReply, StatsEvent } from "./api.ts";
import { limitedKey, statsReply } from "./replies.ts";

/** How often the page gets new figures. */
const EVENT_MS = 1000;

export interface AdminOptions {
  /** Numeric IP or `localhost`. */
  readonly host: string;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Secret that every request must have; needed for all hosts but loopback. */
  readonly token?: string | undefined;
}

export class AdminServer {
  readonly #http: Bun.Server<undefined>;
  #server: DiscoveryServer | undefined;

  private constructor(options: AdminOptions) {
    this.#http = Bun.serve({
      hostname: options.host,
      port: options.port,
      fetch: (request, http) => this.#handle(request, http),
    });
  }

  /** Starts to listen. Until {@link watch} is called, it answers that the discovery server starts. */
  static start(options: AdminOptions): AdminServer {
    return new AdminServer(options);
  }

  /** The address of the page. */
  get url(): string {
    return this.#http.url.href;
  }

  /** From now on it shows this server. */
  watch(server: DiscoveryServer): void {
    this.#server = server;
  }

  async stop(): Promise<void> {
    await this.#http.stop(true);
  }

  async #handle(request: Request, http: Bun.Server<undefined>): Promise<Response> {
    const { pathname } = new URL(request.url);
    const server = this.#server;
    if (pathname === "/healthz") return new Response("ok\n");
    if (server === undefined) return Response.json({ error: "the server starts" }, { status: 503 });
    if (pathname === "/readyz") {
      const readiness = await server.readiness();
      return Response.json(readiness, { status: readiness.ready ? 200 : 503 });
    }
    if (pathname === "/api/stats") return Response.json(statsReply(server, true));
    if (pathname === "/api/limited") {
      const reply: LimitedReply = { at: new Date().toISOString(), limited: server.limited().map(limitedKey) };
      return Response.json(reply);
    }
    if (pathname === "/api/events") {
      http.timeout(request, 0);
      return events(server);
    }
    return Response.json({ error: "there is no such page" }, { status: 404 });
  }
}

function events(server: DiscoveryServer): Response {
  let timer: Timer;
  const body = new ReadableStream<string>({
    start(controller) {
      const send = () => {
        const data: StatsEvent = { stats: statsReply(server, true), limited: server.limited().map(limitedKey) };
        controller.enqueue(`event: stats\ndata: ${JSON.stringify(data)}\n\n`);
      };
      send();
      timer = setInterval(send, EVENT_MS);
    },
    cancel() {
      clearInterval(timer);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
