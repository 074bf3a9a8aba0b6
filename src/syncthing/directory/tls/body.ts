/** Reads the body of a request of node:http or node:http2. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { MAX_BODY_BYTES } from "../handler.ts";

/**
 * @returns the body; undefined as soon as it is known to be longer than {@link MAX_BODY_BYTES}
 * @throws if the connection ends before the body does
 */
export function readBody(request: IncomingMessage | Http2ServerRequest): Promise<string | undefined> {
  if (Number(request.headers["content-length"]) > MAX_BODY_BYTES) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      resolve(undefined);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString()));
    for (const event of ["aborted", "error", "close"]) {
      request.on(event, () => reject(new Error("the connection ended before the whole request arrived")));
    }
  });
}
