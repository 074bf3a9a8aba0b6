/** Clients that send bytes of their choice over TLS. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { ClientCertificate } from "../certificates.ts";

/** A socket, and all that it received. */
export class RawClient<S extends Socket = Socket> {
  readonly socket: S;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
  received = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(socket: S) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#wake();
    });
    // The server's close may come as a reset.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  /** Waits until this was received. */
  async receives(text: string): Promise<void> {
    while (!this.received.includes(text, 0, "latin1")) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** A TCP connection without a handshake. */
export async function connectOnly(port: number): Promise<RawClient> {
  const socket = connectTcp(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  return new RawClient(socket);
}

/** A connection whose handshake is done. */
export async function connectTls(
  port: number,
  protocol: "http/1.1" | "h2",
  certificate?: ClientCertificate,
): Promise<RawClient<TLSSocket>> {
  const { cert, key } = certificate ?? {};
  const options = { port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: [protocol], cert, key };
  const socket = connect(options);
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return new RawClient(socket);
}

const FRAME_TYPES = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, CONTINUATION: 9 };
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A frame of HTTP/2 (RFC 9113 §4.1). */
export function frame(
  type: keyof typeof FRAME_TYPES,
  flags: number,
  stream: number,
  payload = new Uint8Array(),
): Buffer<ArrayBuffer> {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = FRAME_TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client sends first: the preface and its settings. */
export function preface(settings = new Uint8Array()): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame("SETTINGS", 0, 0, settings)]);
}

/** The setting INITIAL_WINDOW_SIZE 0: the server may send heads, but no body. */
export const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);

/** A field of HPACK that names nothing in a table (RFC 7541 §6.2.2). */
export function field(name: string, value: string): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([0]), hpackString(name), hpackString(value)]);
}

function hpackString(text: string): Buffer<ArrayBuffer> {
  const bytes = [Math.min(text.length, 127)];
  if (text.length >= 127) {
    let rest = text.length - 127;
    for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
  }
  return Buffer.concat([Buffer.from(bytes), Buffer.from(text)]);
}

/** Indexed fields of HPACK: `:method: GET`, `:method: POST`, `:scheme: https`. */
const [METHOD_GET, METHOD_POST, SCHEME_HTTPS] = [0x82, 0x83, 0x87];

/** The fields of a request. */
export function fields(method: "GET" | "POST", path: string): Buffer<ArrayBuffer> {
  const indexed = Buffer.from([method === "GET" ? METHOD_GET! : METHOD_POST!, SCHEME_HTTPS!]);
  return Buffer.concat([indexed, field(":path", path), field(":authority", "localhost")]);
}
