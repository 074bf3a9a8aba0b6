/** A stand-in for the admin server: it serves the real files of the page, and replies and events that a test makes up. */

import { asset } from "../../../src/admin/assets.ts";
import type { HistoryReply, NodeReply, ReadyReply, StatsEvent } from "../../../src/admin/index.ts";

/** As strict as that of the admin server. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export class StubAdmin implements AsyncDisposable {
  /** Nodes by `hex:…`. */
  readonly nodes = new Map<string, NodeReply>();
  history: HistoryReply | undefined;
  /** Why the server is not ready; null if it is. */
  notReady: string | null = null;
  /** If not 200, every request of the API has this status. */
  status = 200;
  /** Bytes of the page's files, as they were sent. */
  sent = 0;
  readonly #http: Bun.Server<undefined>;
  readonly #streams = new Set<ReadableStreamDefaultController<string>>();
  #latest: StatsEvent | undefined;

  constructor() {
    this.#http = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (request) => this.#handle(request),
    });
  }

  get url(): string {
    return this.#http.url.href;
  }

  /** Open streams of events. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Sends an event to all pages. A page that connects later gets the latest one at once. */
  send(event: StatsEvent): void {
    this.#latest = event;
    for (const stream of this.#streams) stream.enqueue(textOf(event));
  }

  /** Ends all streams. */
  disconnect(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.stop(true);
  }

  #handle(request: Request): Response {
    const { pathname } = new URL(request.url);
    const file = asset(pathname);
    if (file) {
      this.sent += file.gzip.length;
      const headers = {
        "content-type": file.contentType,
        "content-encoding": "gzip",
        "content-security-policy": POLICY,
      };
      return new Response(file.gzip, { headers });
    }
    if (this.status !== 200) {
      const error = this.status === 503 ? "the server is starting, says the stub" : "the stub says no";
      return Response.json({ error }, { status: this.status });
    }
    if (pathname === "/api/events") return this.#events();
    if (pathname === "/api/history" && this.history) return Response.json(this.history);
    if (pathname === "/readyz") {
      const ready = this.notReady === null;
      const body: ReadyReply = { ready, reason: this.notReady, checks: [] };
      return Response.json(body, { status: ready ? 200 : 503 });
    }
    const node = this.nodes.get(pathname.replace("/api/nodes/", ""));
    return node ? Response.json(node) : Response.json({ error: "not found" }, { status: 404 });
  }

  #events(): Response {
    let own: ReadableStreamDefaultController<string>;
    const body = new ReadableStream<string>({
      start: (controller) => {
        own = controller;
        this.#streams.add(controller);
        controller.enqueue(this.#latest ? textOf(this.#latest) : ": hello\n\n");
      },
      cancel: () => {
        this.#streams.delete(own);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

function textOf(event: StatsEvent): string {
  return `event: stats\ndata: ${JSON.stringify(event)}\n\n`;
}
