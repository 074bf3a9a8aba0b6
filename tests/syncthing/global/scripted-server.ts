/** A TLS server whose replies a test writes, byte by byte. */
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { deviceIdOf, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import type { Certificate } from "../../support/syncthing/certificates.ts";

export interface Seen {
  /** `GET /?device=… HTTP/1.1`. */
  readonly line: string;
  /** Everything, from the request line to the body. */
  readonly text: string;
  /** The connections so far, this one included. */
  readonly connection: number;
  /** Of the connection's requests, from 1. */
  readonly nth: number;
  /** The device ID of the client's certificate. */
  readonly client: string | undefined;
}

type Script = (socket: TLSSocket, seen: Seen) => void;

export class ScriptedServer implements AsyncDisposable {
  /** All requests. */
  readonly requests: Seen[] = [];
  /** Handshakes that succeeded. */
  connections = 0;
  /** Connections that were closed, also in their handshakes. */
  closed = 0;
  readonly #server: Server;
  readonly #open = new Set<TLSSocket>();

  private constructor(certificate: Certificate, script: Script, options: TlsOptions) {
    this.#server = createServer({
      cert: certificate.certificate,
      key: certificate.key,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
      ...options,
    });
    this.#server.on("tlsClientError", () => this.closed++);
    this.#server.on("secureConnection", (socket) => {
      const connection = ++this.connections;
      this.#open.add(socket);
      socket.on("close", () => {
        this.#open.delete(socket);
        this.closed++;
      });
      socket.on("error", () => {});
      const raw = socket.getPeerCertificate(true)?.raw;
      const client = raw && formatDeviceId(deviceIdOf(raw));
      let text = "";
      let nth = 0;
      socket.on("data", (bytes) => {
        text += bytes;
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        const end = text.indexOf("\r\n\r\n") + 4;
        if (end < 4 || text.length < end + length) return;
        const seen = { line: text.slice(0, text.indexOf("\r\n")), text, connection, nth: ++nth, client };
        text = "";
        this.requests.push(seen);
        script(socket, seen);
      });
    });
  }

  static async start(certificate: Certificate, script: Script, options: TlsOptions = {}): Promise<ScriptedServer> {
    const server = new ScriptedServer(certificate, script, options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param options - such as `id=…` */
  url(options: string, host = "127.0.0.1"): string {
    return `https://${host}:${this.port}/v2/?${options}`;
  }

  /** Shows this certificate in handshakes from now on. */
  use({ certificate, key }: Certificate): void {
    this.#server.setSecureContext({ cert: certificate, key });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A whole reply. */
export function reply(status: string, body = "", headers: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n");
}

const FOUND = { seen: "2026-01-31T12:00:00Z", addresses: ["tcp://192.0.2.7:22000"] };
/** The reply to a lookup. */
const FOUND_REPLY = reply("200 OK", JSON.stringify(FOUND));
/** What `GlobalServer` makes of it. */
export const FOUND_RESULT = { addresses: FOUND.addresses, seenAt: Date.parse(FOUND.seen) };

/** Replies to each lookup in the same way. */
export const finds: Script = (socket) => void socket.write(FOUND_REPLY);

/** A TCP server without TLS: it says always the same, and closes the connection if that is something. */
export class PlainServer implements AsyncDisposable {
  readonly #server: NetServer;
  readonly #open = new Set<Socket>();

  private constructor(text: string | undefined) {
    this.#server = createTcpServer((socket) => {
      this.#open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#open.delete(socket));
      if (text !== undefined) socket.end(text);
    });
  }

  /** @param text - undefined: it says nothing and leaves the connection open */
  static async start(text?: string): Promise<PlainServer> {
    const server = new PlainServer(text);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  /** As in a URL. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
