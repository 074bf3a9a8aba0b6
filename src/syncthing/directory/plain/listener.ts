/** Global discovery over HTTP, behind a proxy that ends TLS. */
import type { Network } from "../../../engine/index.ts";
import { writeAddress } from "../../../transport/address.ts";
import type { Endpoint } from "../../addresses.ts";
import { createRequestCounters, type RequestCounters } from "../counters.ts";
import { type DirectoryRequest, MAX_BODY_BYTES, type Reply, type RequestHandler } from "../handler.ts";
import { certificateInHeader } from "./certificate.ts";
import { forwardedSource, isIn } from "./source.ts";

export interface PlainListenerOptions {
  /** An IP address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly handler: RequestHandler;
  /**
   * Proxies whose headers are believed. Other clients are answered too, but as themselves: look-ups need no certificate, and
   * announcements are refused.
   */
  readonly trusted: readonly Network[];
  /** Header in which those proxies pass a client's certificate on, and never as a client sent it; or `auto`: any known one. */
  readonly certificateHeader: string;
}

/** After so long without a byte, a connection is closed. */
const IDLE_SECONDS = 10;
/** How long requests in progress may take after the listener was closed. */
const CLOSE_MS = 1_000;
/** The scheme of a URL and the slashes after it. */
const SCHEME_LENGTH = "http://".length;

export class PlainListener {
  readonly requests: RequestCounters = createRequestCounters();
  readonly #handler: RequestHandler;
  readonly #trusted: readonly Network[];
  readonly #certificateHeader: string;
  readonly #server: Bun.Server<undefined>;

  /**
   * Opens a listener. Several threads and processes can listen on one port: the kernel gives each a share of the connections.
   *
   * @throws {Error} with `code`, such as EADDRINUSE, if it cannot listen there
   */
  constructor({ host, port, handler, trusted, certificateHeader }: PlainListenerOptions) {
    this.#handler = handler;
    this.#trusted = trusted;
    this.#certificateHeader = certificateHeader;
    this.#server = Bun.serve({
      hostname: host,
      port,
      reusePort: true,
      idleTimeout: IDLE_SECONDS,
      development: false,
      fetch: (request, server) => this.#answer(request, server),
    });
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#server.port!;
  }

  /** Stops listening and closes idle connections at once; requests in progress have a second to end. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#server.stop(true), CLOSE_MS);
    await this.#server.stop();
    clearTimeout(timer);
  }

  #answer(request: Request, server: Bun.Server<undefined>): Response | Promise<Response> {
    const reply = this.#handler.handle(new ForwardedRequest(request, server, this.#trusted, this.#certificateHeader));
    return reply instanceof Promise ? reply.then((later) => this.#response(later)) : this.#response(reply);
  }

  #response({ result, status, headers, body }: Reply): Response {
    this.requests[result]++;
    return new Response(body === "" ? null : body, { status, headers });
  }
}

class ForwardedRequest implements DirectoryRequest {
  readonly method: string;
  readonly target: string;
  readonly #request: Request;
  readonly #trusted: boolean;
  readonly #certificateHeader: string;
  readonly #source: Endpoint;

  constructor(request: Request, server: Bun.Server<undefined>, trusted: readonly Network[], certificateHeader: string) {
    const { url } = request;
    this.method = request.method;
    // Of a request without the header Host, such as HTTP/1.0 allows, Bun gives no whole URL.
    this.target = url.startsWith("/") ? url : url.slice(url.indexOf("/", SCHEME_LENGTH));
    this.#request = request;
    this.#certificateHeader = certificateHeader;
    const peer = peerOf(request, server);
    this.#trusted = isIn(trusted, peer.address);
    this.#source = this.#trusted ? forwardedSource(request.headers, trusted) : peer;
  }

  source(): Endpoint {
    return this.#source;
  }

  certificate(): Uint8Array | undefined {
    return this.#trusted ? certificateInHeader(this.#request.headers, this.#certificateHeader) : undefined;
  }

  async body(): Promise<string | undefined> {
    const { headers, body } = this.#request;
    if (Number(headers.get("content-length")) > MAX_BODY_BYTES) return undefined;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body ?? []) {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  }
}

function peerOf(request: Request, server: Bun.Server<undefined>): Endpoint {
  const peer = server.requestIP(request);
  const address = new Uint8Array(16);
  // A client that is gone already has no address.
  if (peer !== null) writeAddress(peer.address, address, 0);
  return { address, port: peer?.port ?? 0 };
}
