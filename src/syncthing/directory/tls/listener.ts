/** Global discovery over HTTPS: HTTP/1.1 and HTTP/2, with the clients' certificates. */
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import {
  constants,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { writeAddress } from "../../../transport/address.ts";
import { loadLibc } from "../../../transport/libc.ts";
import { setReceiveBuffer } from "../../../transport/socket.ts";
import {
  type ConnectionCounters,
  createConnectionCounters,
  createRequestCounters,
  type RequestCounters,
} from "../counters.ts";
import type { Reply, RequestHandler, RequestResult } from "../handler.ts";
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
  /** Default: 10,000 connections, 256 per source, 10 s. */
  readonly limits?: Partial<ConnectionLimits>;
}

function defaultConnectionLimits(): ConnectionLimits {
  return { connections: 10_000, perSource: 256, timeoutMs: 10_000 };
}

/** Longest head of a request. Syncthing's have some 200 bytes. */
const MAX_HEADER_BYTES = 8_192;
const MAX_STREAMS = 32;
/** Results for which the client is to blame. */
const REFUSALS: ReadonlySet<RequestResult> = new Set([
  "no-certificate",
  "bad-request",
  "bad-method",
  "too-long",
  "limited",
]);
/** A connection is closed after so many refusals in a row. */
const MAX_REFUSED = 100;
/**
 * Receive buffer of a connection, of which Linux grants the double. By default it grows to megabytes. Bun handles all requests in it
 * before it looks at another connection, and has all of them in memory.
 */
const RECEIVE_BUFFER_BYTES = 16_384;
/**
 * A connection of HTTP/1.1 has so many replies waiting at most. A client may send requests without an end and read no reply, and each
 * waiting one takes kilobytes.
 */
const MAX_WAITING = 100;
const CHECK_INTERVAL_MS = 1_000;
/** How long requests in progress may take after the listener was closed. */
const CLOSE_MS = 1_000;

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const CONNECTION = Symbol("connection");
type TlsConnection = Connection<TLSSocket>;
type MarkedSocket = TLSSocket & { [CONNECTION]?: TlsConnection };

/** A stream of HTTP/2 that is not closed yet. */
interface OpenStream {
  readonly connection: TlsConnection;
  readonly since: number;
}

export class TlsListener {
  readonly requests: RequestCounters = createRequestCounters();
  readonly connections: ConnectionCounters = createConnectionCounters();
  readonly #handler: RequestHandler;
  readonly #timeoutMs: number;
  readonly #connections: Connections;
  /** In the order in which they were opened. */
  readonly #streams = new Set<OpenStream>();
  readonly #server: ReturnType<typeof createSecureServer>;
  readonly #timer: ReturnType<typeof setInterval>;
  #port = 0;
  /** Ends close() when the last connection is closed. */
  #closed: (() => void) | undefined;

  private constructor({ cert, key, handler, limits }: TlsListenerOptions) {
    const all = { ...defaultConnectionLimits(), ...limits };
    this.#handler = handler;
    this.#timeoutMs = all.timeoutMs;
    this.#connections = new Connections(all, this.connections, () => performance.now());
    const options: SecureServerOptions & Pick<ServerOptions, "keepAliveTimeout" | "maxHeaderSize"> = {
      cert,
      key,
      // The certificate is a device's identity, whoever signed it.
      requestCert: true,
      rejectUnauthorized: false,
      allowHTTP1: true,
      minVersion: "TLSv1.2",
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
    limitReceiveBuffer(listener.#server);
    listener.#port = (listener.#server.address() as AddressInfo).port;
    // An error here is of one connection that could not be accepted. The listener goes on.
    listener.#server.on("error", () => {});
    return listener;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Stops listening and closes idle connections at once; requests in progress have a second to end. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = resolve;
    this.#server.close();
    this.#connections.closeAll({ idleOnly: true });
    const timer = setTimeout(resolve, CLOSE_MS);
    if (this.#connections.size > 0) await promise;
    clearTimeout(timer);
    this.#connections.closeAll({ idleOnly: false });
    clearInterval(this.#timer);
  }

  #listenForConnections(): void {
    const server = this.#server;
    server.on("connection", (socket: MarkedSocket) => this.#onConnection(socket));
    server.on("secureConnection", (socket: MarkedSocket) => {
      this.connections.handshakes++;
      const connection = socket[CONNECTION];
      if (connection !== undefined) connection.secure = true;
    });
    server.on("tlsClientError", (_error: Error, socket: MarkedSocket) => {
      const connection = socket[CONNECTION];
      if (connection?.secure === false) this.#connections.close(connection, "failedHandshakes");
    });
    // No HTTP/1.1. It is emitted for handshakes too.
    server.on("clientError", (error: NodeJS.ErrnoException, socket: MarkedSocket) =>
      this.#onClientError(error, socket),
    );
    server.on("session", (session: ServerHttp2Session) => {
      // A session that has failed has no socket any more.
      const connection = (session.socket as MarkedSocket)[CONNECTION];
      session.on("error", () => {
        if (connection !== undefined) this.#connections.close(connection, "invalid");
      });
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
    const connection = new Connection<TLSSocket>(socket, address, socket.remotePort ?? 0);
    socket[CONNECTION] = connection;
    socket.on("close", () => {
      this.#connections.remove(connection);
      if (this.#connections.size === 0) this.#closed?.();
    });
    socket.on("error", () => socket.destroy());
    this.#connections.add(connection);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: MarkedSocket): void {
    const connection = socket[CONNECTION];
    if (connection?.secure !== true) return;
    // Bun emits an error twice. The second time the socket is closed.
    if (socket.writable && error.code?.startsWith("HPE_")) {
      const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      this.#connections.close(connection, "invalid");
    } else this.#connections.close(connection);
  }

  #onRequest(request: Request, response: Response): void {
    // A connection that was closed meanwhile has no socket in HTTP/2.
    const connection = (request.socket as MarkedSocket | undefined)?.[CONNECTION];
    // One that was closed in HTTP/1.1 may still have requests that were received before.
    if (connection === undefined || connection.refused >= MAX_REFUSED) return;
    if (request.httpVersionMajor === 2) this.#watchStream(request as Http2ServerRequest, connection);
    else if (response.socket === null && !this.#mayWait(response as ServerResponse, connection)) return;
    const reply = this.#handler.handle({
      method: request.method!,
      target: request.url!,
      source: () => connection,
      certificate: () => certificateOf(connection.socket),
      body: () => readBody(request),
    });
    if (reply instanceof Promise) this.#sendLater(reply, response, connection);
    else this.#send(reply, response, connection);
  }

  /** Whether a reply of HTTP/1.1 may wait until those before it are sent. If too many wait, the connection is closed. */
  #mayWait(response: ServerResponse, connection: TlsConnection): boolean {
    if (connection.waiting === MAX_WAITING) {
      this.#connections.close(connection, "invalid");
      return false;
    }
    connection.waiting++;
    response.once("finish", () => connection.waiting--);
    return true;
  }

  async #sendLater(reply: Promise<Reply>, response: Response, connection: TlsConnection): Promise<void> {
    this.#connections.touch(connection);
    connection.pending++;
    const later = await reply;
    connection.pending--;
    this.#send(later, response, connection);
  }

  #send(reply: Reply, response: Response, connection: TlsConnection): void {
    this.requests[reply.result]++;
    connection.served = true;
    this.#connections.touch(connection);
    connection.refused = REFUSALS.has(reply.result) ? connection.refused + 1 : 0;
    if (connection.refused >= MAX_REFUSED) {
      this.#connections.close(connection, "invalid");
      return;
    }
    if (response.destroyed) return;
    try {
      if (this.#closed !== undefined) closeAfter(response);
      if (reply.result === "too-long") refuseRest(response);
      // Bun would write head and body of HTTP/1.1 apart: two TLS records, two system calls.
      connection.socket.cork();
      (response as ServerResponse).writeHead(reply.status, reply.headers);
      if (reply.body === "") response.end();
      else response.end(reply.body);
      connection.socket.uncork();
    } catch {
      // The client has gone away meanwhile. No error of one connection may end the others.
      this.#connections.close(connection);
    }
  }

  #watchStream({ stream }: Http2ServerRequest, connection: TlsConnection): void {
    const open: OpenStream = { connection, since: performance.now() };
    this.#streams.add(open);
    stream.on("close", () => this.#streams.delete(open));
  }

  #closeSlow(): void {
    this.#connections.closeSlow();
    const since = performance.now() - this.#timeoutMs;
    for (const stream of this.#streams) {
      if (stream.since > since) break;
      this.#streams.delete(stream);
      this.#connections.close(stream.connection, "slow");
    }
  }
}

/** The client need not send the rest of its body: HTTP/1.1 closes the connection, HTTP/2 the stream (RFC 9113 §8.1). */
function refuseRest(response: Response): void {
  if ("stream" in response) response.stream.once("finish", () => response.stream.close(constants.NGHTTP2_NO_ERROR));
  else closeAfter(response);
}

/** Limits the receive buffers of the connections that a server accepts from now on. Elsewhere than on Linux they stay as they are. */
function limitReceiveBuffer(server: object): void {
  // Bun's types lack it.
  const { fd } = (server as { _handle: { fd: number } })._handle;
  try {
    setReceiveBuffer(loadLibc(), fd, RECEIVE_BUFFER_BYTES);
  } catch {}
}

/** The connection is closed when this response, and those that are in progress besides, have been sent. */
function closeAfter(response: Response): void {
  if ("stream" in response) response.stream.session?.close();
  else response.setHeader("Connection", "close");
}

/** @returns the client's certificate in DER, or undefined if it has none */
function certificateOf(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getPeerCertificate(true);
  return certificate?.raw === undefined ? undefined : new Uint8Array(certificate.raw);
}
