/** Global discovery over HTTPS: HTTP/1.1 and HTTP/2, with the clients' certificates. */
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { writeAddress } from "../../../transport/address.ts";
import { createCounters, type ListenerCounters } from "../counters.ts";
import type { Reply, RequestHandler } from "../handler.ts";
import { readBody } from "./body.ts";
import { Connection, type ConnectionLimits, Connections } from "./connections.ts";

export interface TlsListenerOptions {
  /** An IP address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** In PEM, with the certificates of its issuers if there are any. */
  readonly cert: string;
  /** In PEM. */
  readonly key: string;
  readonly handler: RequestHandler;
  /** Default: {@link defaultConnectionLimits}. */
  readonly limits?: Partial<ConnectionLimits>;
}

export function defaultConnectionLimits(): ConnectionLimits {
  return { connections: 10_000, perSource: 256, timeoutMs: 10_000 };
}

/** Longest head of a request. Syncthing's have some 200 bytes. */
const MAX_HEADER_BYTES = 8_192;
const MAX_STREAMS = 32;
/** A connection that cancels so many more requests than it lets be answered is closed: they cost the server more than the client. */
const MAX_CANCELLED = 100;
/** The most bytes of replies that a client may leave unread. */
const MAX_UNREAD_BYTES = 65_536;
const CHECK_INTERVAL_MS = 1_000;
/** How long requests in progress may take after the listener was closed. */
const CLOSE_MS = 1_000;

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const CONNECTION = Symbol("connection");
type MarkedSocket = TLSSocket & { [CONNECTION]?: Connection };

/** A stream of HTTP/2 that is not closed yet. */
interface OpenStream {
  readonly connection: Connection;
  readonly since: number;
}

export class TlsListener {
  readonly counters: ListenerCounters = createCounters();
  readonly #handler: RequestHandler;
  readonly #timeoutMs: number;
  readonly #connections: Connections;
  /** In the order in which they were opened. */
  readonly #streams = new Set<OpenStream>();
  readonly #server: ReturnType<typeof createSecureServer>;
  readonly #timer: ReturnType<typeof setInterval>;
  #closing = false;

  private constructor({ cert, key, handler, limits }: TlsListenerOptions) {
    const all = { ...defaultConnectionLimits(), ...limits };
    this.#handler = handler;
    this.#timeoutMs = all.timeoutMs;
    this.#connections = new Connections(all, this.counters, () => performance.now());
    const options: SecureServerOptions & Pick<ServerOptions, "keepAliveTimeout" | "maxHeaderSize"> = {
      cert,
      key,
      // The certificate is a device's identity, whoever signed it.
      requestCert: true,
      rejectUnauthorized: false,
      allowHTTP1: true,
      minVersion: "TLSv1.2",
      handshakeTimeout: all.timeoutMs,
      // The header of replies names it; #closeSlow sees to it.
      keepAliveTimeout: all.timeoutMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
    };
    this.#server = createSecureServer(options);
    this.#listenForConnections();
    this.#server.on("request", (request: Request, response: Response) => this.#onRequest(request, response));
    this.#timer = setInterval(() => this.#closeSlow(), Math.min(CHECK_INTERVAL_MS, all.timeoutMs / 2));
  }

  /**
   * Opens a listener. Several threads and processes can listen on one port: the kernel gives each a share of the connections.
   *
   * @throws {Error} with `code`, such as EADDRINUSE, EACCES or EADDRNOTAVAIL, if it cannot listen there; or if `cert` and `key` are no
   *   pair
   */
  static async listen(options: TlsListenerOptions): Promise<TlsListener> {
    const listener = new TlsListener(options);
    const { host, port } = options;
    try {
      await new Promise<void>((resolve, reject) => {
        listener.#server.once("error", reject);
        listener.#server.listen({ host, port, reusePort: true }, () => resolve());
      });
    } catch (error) {
      clearInterval(listener.#timer);
      throw error;
    }
    listener.#server.on("error", () => {});
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops listening and closes idle connections at once; requests in progress have a second to end. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#server.close();
    this.#connections.closeAll({ idleOnly: true });
    const end = performance.now() + CLOSE_MS;
    while (this.#connections.size > 0 && performance.now() < end) await Bun.sleep(10);
    this.#connections.closeAll({ idleOnly: false });
    clearInterval(this.#timer);
  }

  #listenForConnections(): void {
    const server = this.#server;
    server.on("connection", (socket: MarkedSocket) => this.#onConnection(socket));
    server.on("secureConnection", (socket: MarkedSocket) => {
      this.counters.handshakes++;
      const connection = socket[CONNECTION];
      if (connection !== undefined) connection.secure = true;
    });
    server.on("tlsClientError", (_error: Error, socket: MarkedSocket) => {
      const connection = socket[CONNECTION];
      if (connection !== undefined && !connection.secure) this.counters.failedHandshakes++;
      socket.destroy();
    });
    // Neither handshake nor HTTP/1.1.
    server.on("clientError", (error: NodeJS.ErrnoException, socket: MarkedSocket) =>
      this.#onClientError(error, socket),
    );
    server.on("session", (session: ServerHttp2Session) => session.on("error", () => session.destroy()));
    server.on("sessionError", (_error: Error, session: ServerHttp2Session) => {
      this.counters.invalid++;
      session.destroy();
    });
    server.on("unknownProtocol", (socket: MarkedSocket) => socket.destroy());
  }

  #onConnection(socket: MarkedSocket): void {
    const address = new Uint8Array(16);
    // A client that is gone already has no address.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    writeAddress(socket.remoteAddress, address, 0);
    const connection = new Connection(address, socket.remotePort ?? 0, () => socket.destroy());
    socket[CONNECTION] = connection;
    socket.on("close", () => this.#connections.remove(connection));
    socket.on("error", () => socket.destroy());
    this.#connections.add(connection);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: MarkedSocket): void {
    const connection = socket[CONNECTION];
    if (connection?.secure !== true) return;
    if (error.code?.startsWith("HPE_")) this.counters.invalid++;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  #onRequest(request: Request, response: Response): void {
    const socket = request.socket as MarkedSocket;
    const connection = socket[CONNECTION];
    if (connection === undefined) return;
    connection.pending++;
    this.#connections.touch(connection);
    if (request.httpVersionMajor === 2) this.#watchStream(request as Http2ServerRequest, connection);
    const reply = this.#handler.handle({
      method: request.method!,
      target: request.url!,
      source: () => connection,
      certificate: () => certificateOf(socket),
      body: () => readBody(request),
    });
    if (reply instanceof Promise) reply.then((later) => this.#send(later, request, response, connection));
    else this.#send(reply, request, response, connection);
  }

  #send(reply: Reply, request: Request, response: Response, connection: Connection): void {
    this.counters.requests[reply.result]++;
    connection.pending--;
    this.#connections.touch(connection);
    if (response.destroyed) return;
    const last = this.#closing || reply.result === "too-long";
    if (request.httpVersionMajor === 1 && last) response.setHeader("Connection", "close");
    (response as ServerResponse).writeHead(reply.status, reply.headers);
    if (reply.body === "") response.end();
    else response.end(reply.body);
    if (request.socket.writableLength > MAX_UNREAD_BYTES) this.#connections.closeAsSlow(connection);
  }

  #watchStream(request: Http2ServerRequest, connection: Connection): void {
    const open: OpenStream = { connection, since: performance.now() };
    this.#streams.add(open);
    const { stream } = request;
    stream.on("close", () => {
      this.#streams.delete(open);
      if (stream.rstCode === 0) connection.cancelled = Math.max(0, connection.cancelled - 1);
      else if (++connection.cancelled > MAX_CANCELLED) {
        this.counters.invalid++;
        connection.destroy();
      }
    });
  }

  #closeSlow(): void {
    this.#connections.closeSlow();
    const since = performance.now() - this.#timeoutMs;
    for (const stream of this.#streams) {
      if (stream.since > since) break;
      this.#streams.delete(stream);
      this.#connections.closeAsSlow(stream.connection);
    }
  }
}

/** @returns the client's certificate in DER, or undefined if it has none */
function certificateOf(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getPeerCertificate(true);
  return certificate?.raw === undefined ? undefined : new Uint8Array(certificate.raw);
}
