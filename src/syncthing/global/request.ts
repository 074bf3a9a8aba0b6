/** One HTTP request with a bound on the time and on the size of the reply. */
import type { IncomingHttpHeaders } from "node:http";
import { type RequestOptions, request } from "node:https";
import { ReplyError, TimeoutError } from "./error.ts";

/** Over a thousand addresses fit into it. */
const MAX_REPLY_BYTES = 65_536;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Bounds {
  /** From the start to the last byte of the reply, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** Called once, when the request has ended and its connection is free or closed. */
  readonly onClose: () => void;
}

/**
 * Sends a request and reads the reply, whatever its status. Redirects are not followed.
 *
 * @throws {Error} of the system or of this folder; {StaleConnectionError} if it may be sent again; the signal's reason
 */
export function send(options: RequestOptions, body: string | undefined, bounds: Bounds): Promise<Reply> {
  const { timeout, signal, onClose } = bounds;
  if (signal?.aborted) {
    onClose();
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const sent = request(options);
    const fail = (error: unknown) => {
      end();
      // If the connection is still being opened, this takes effect, with an event "error", when it is open.
      sent.destroy();
      reject(error);
    };
    const abort = () => fail(signal?.reason);
    const timer = setTimeout(() => fail(new TimeoutError(timeout)), timeout);
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort, { once: true });

    let answered = false;
    sent.on("error", (error) => fail(sent.reusedSocket && !answered ? new StaleConnectionError(error) : error));
    // The agent takes the connection back right after this event.
    sent.on("close", () => setImmediate(onClose));
    // Without a listener the request would end without any other event.
    sent.on("upgrade", () => fail(new ReplyError("it wants to switch to another protocol")));
    sent.on("response", (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_REPLY_BYTES) fail(new ReplyError(`its answer is longer than ${MAX_REPLY_BYTES / 1024} KiB`));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        end();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    sent.end(body);
  });
}

/** A kept connection ended before a reply: most likely the server closed it just when the request was sent. */
export class StaleConnectionError extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
  }
}
