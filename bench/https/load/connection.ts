/**
 * An HTTP/1.1 connection that sends ready-made requests, one at a time. It is a bare socket of Bun: fetch and node:http cost several
 * times as much per request, and would be measured instead of the server.
 */

export interface Endpoint {
  readonly port: number;
  readonly tls: boolean;
  /** The address of loopback that the connection comes from; undefined: the system chooses. */
  readonly from?: string;
}

/** A client's certificate and key, in PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** @returns the next request; undefined to send none now */
export type OnResponse = (status: number, text: string) => Uint8Array | undefined;

const HEAD_END = "\r\n\r\n";
const LENGTH = /\r\ncontent-length: *(\d+)/i;
/** Where the status of a response is: `HTTP/1.1 200 …`. */
const STATUS_AT = 9;
const STATUS_LENGTH = 3;
/** The status of responses that have no body. */
const NO_CONTENT = 204;

function statusOf(text: string): number {
  return Number(text.slice(STATUS_AT, STATUS_AT + STATUS_LENGTH));
}

/** Whether `text` is a whole response. */
function complete(text: string): boolean {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  if (statusOf(text) === NO_CONTENT) return true;
  const length = LENGTH.exec(text)?.[1];
  if (length === undefined) throw new Error(`a response without Content-Length: ${text}`);
  return text.length >= headEnd + HEAD_END.length + Number(length);
}

export class Connection {
  readonly #onResponse: OnResponse;
  readonly #onClose: (error: Error) => void;
  readonly #opened = Promise.withResolvers<void>();
  #socket!: Bun.Socket<Connection>;
  /** The part of a response that has come. */
  #text = "";
  /** The part of a request that the socket did not take yet. */
  #unsent: Uint8Array | undefined;

  private constructor(onResponse: OnResponse, onClose: (error: Error) => void) {
    this.#onResponse = onResponse;
    this.#onClose = onClose;
  }

  /**
   * Connects, with TLS shakes hands, and sends nothing yet.
   *
   * @param onClose - is called if the other side ends the connection
   */
  static async open(
    { port, tls, from }: Endpoint,
    onResponse: OnResponse,
    onClose: (error: Error) => void,
    client?: ClientCertificate,
  ): Promise<Connection> {
    const connection = new Connection(onResponse, onClose);
    const options = {
      hostname: "127.0.0.1",
      port,
      data: connection,
      socket: Connection.#HANDLER,
      // The types of Bun 1.4.5 lack this option.
      ...(from !== undefined && { localAddress: from }),
      ...(tls && { tls: { rejectUnauthorized: false, ...client } }),
    };
    await Bun.connect(options);
    if (!tls) connection.#opened.resolve();
    await connection.#opened.promise;
    return connection;
  }

  send(request: Uint8Array): void {
    const taken = Math.max(0, this.#socket.write(request));
    this.#unsent = taken < request.length ? request.subarray(taken) : undefined;
  }

  close(): void {
    this.#socket.terminate();
  }

  #receive(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    if (!complete(this.#text)) return;
    const text = this.#text;
    this.#text = "";
    const request = this.#onResponse(statusOf(text), text);
    if (request !== undefined) this.send(request);
  }

  #end(error: Error): void {
    this.#opened.reject(error);
    this.#onClose(error);
  }

  static readonly #HANDLER: Bun.SocketHandler<Connection, "buffer"> = {
    open(socket) {
      socket.data.#socket = socket;
    },
    handshake({ data }) {
      data.#opened.resolve();
    },
    data({ data }, chunk) {
      data.#receive(chunk);
    },
    drain({ data }) {
      if (data.#unsent !== undefined) data.send(data.#unsent);
    },
    close({ data }) {
      data.#end(new Error("the server closed the connection"));
    },
    error({ data }, error) {
      data.#end(error);
    },
  };
}
