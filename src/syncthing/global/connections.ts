/** TLS connections to one server, which are kept for the next request. The server is verified before a request is sent. */
import { Agent } from "node:https";
import { checkServerIdentity, connect, type PeerCertificate, type SecureContext, type TLSSocket } from "node:tls";
import { deviceIdOf, formatDeviceId } from "../device-id.ts";
import { CertificateError, TimeoutError } from "./error.ts";
import type { GlobalUrl } from "./url.ts";

export interface ConnectionOptions {
  /** The own certificate and key. */
  readonly context?: SecureContext | undefined;
  /** For the connection and the handshake together, in milliseconds. */
  readonly timeout: number;
  /** How long an unused connection is kept, in milliseconds. */
  readonly idle: number;
}

type OnConnection = (error: Error | null, socket: TLSSocket) => void;

/** Opens connections for `https.request`, which gets one only after the server's certificate was found right. */
export class Connections extends Agent {
  readonly #server: GlobalUrl;
  readonly #options: ConnectionOptions;
  /** Connections whose handshake is not done: the agent does not know them yet. */
  readonly #opening = new Set<TLSSocket>();

  constructor(server: GlobalUrl, options: ConnectionOptions) {
    super({ keepAlive: true, timeout: options.idle });
    this.#server = server;
    this.#options = options;
  }

  /** Called by `https.request`, with options of the request. */
  override createConnection(_request: unknown, callback?: OnConnection): undefined {
    const { host, port, id, insecure } = this.#server;
    const { context, timeout } = this.#options;
    const socket = connect({
      host,
      port,
      // An address is no server name (RFC 6066 §3).
      ...(isName(host) && { servername: host }),
      ...(context && { secureContext: context }),
      ALPNProtocols: ["http/1.1"],
      // The certificate is checked below, before the agent gets the connection.
      rejectUnauthorized: false,
    });
    const timer = setTimeout(() => socket.destroy(new TimeoutError(timeout)), timeout);
    this.#opening.add(socket);
    let failure: Error | null = null;
    const done = () => {
      clearTimeout(timer);
      if (this.#opening.delete(socket)) callback?.(failure, socket);
    };
    socket.on("error", (error) => {
      failure = error;
    });
    socket.once("close", () => {
      failure ??= new Error("the connection was closed during the handshake");
      done();
    });
    socket.once("secureConnect", () => {
      const error = insecure ? undefined : id === undefined ? untrusted(socket, host) : wrongDevice(socket, id);
      if (error !== undefined) {
        socket.destroy(error);
        return;
      }
      // The server could show another certificate in a second handshake of TLS 1.2.
      socket.disableRenegotiation();
      done();
    });
    return undefined;
  }

  override destroy(): void {
    for (const socket of this.#opening) socket.destroy(new Error("the connection was given up"));
    super.destroy();
  }
}

function isName(host: string): boolean {
  return !host.includes(":") && !/^[\d.]+$/.test(host);
}

/** The error if the certificate is not the pinned one. Its names, dates and issuer do not count. */
function wrongDevice(socket: TLSSocket, id: Uint8Array): Error | undefined {
  const shown = shownId(socket);
  const wanted = formatDeviceId(id);
  if (shown === wanted) return undefined;
  const message = `it has the device ID ${shown ?? "of no certificate"}, but the id in its URL is ${wanted}`;
  return new CertificateError("WRONG_DEVICE_ID", message);
}

/** The error if the certificate is not one for this host by an authority that the system trusts. */
function untrusted(socket: TLSSocket, host: string): Error | undefined {
  const problem = socket.authorized
    ? checkServerIdentity(host, socket.getPeerCertificate(true))
    : socket.authorizationError;
  if (socket.authorized && problem === undefined) return undefined;
  const code = problem instanceof Error ? (problem as NodeJS.ErrnoException).code : problem;
  const message = `its certificate is not trusted (${reasonOf(`${code}`, socket.getPeerCertificate(true))}): add id=${shownId(socket)} to its URL if that is its device ID, or insecure`;
  return new CertificateError("CERTIFICATE_NOT_TRUSTED", message);
}

/** The device ID of the server's certificate. */
function shownId(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate(true);
  return raw && formatDeviceId(deviceIdOf(raw));
}

function reasonOf(code: string, { subject, issuer }: PeerCertificate): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return "expired";
    case "CERT_NOT_YET_VALID":
      return "not valid yet";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "issued for another host";
  }
  // OpenSSL and BoringSSL have several codes for it.
  if (JSON.stringify(subject) === JSON.stringify(issuer)) return "self-signed";
  return code.toLowerCase().replaceAll("_", " ");
}
