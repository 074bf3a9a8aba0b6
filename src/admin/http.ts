/** The replies of the admin server as HTTP. */
import type { ErrorReply } from "./api.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The page needs its own files and the API, and no other page may use either. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = "application/json; charset=utf-8";
export const TEXT_TYPE = "text/plain; charset=utf-8";

export function reply(
  body: Bytes | string | ReadableStream<Bytes> | null,
  { status = 200, type, headers }: Reply,
): Response {
  return new Response(body, {
    status,
    headers: { ...HEADERS, ...(type === undefined ? {} : { "content-type": type }), ...headers },
  });
}

export function jsonReply(value: unknown, status = 200, headers?: Reply["headers"]): Response {
  return reply(`${JSON.stringify(value)}\n`, { status, type: JSON_TYPE, ...(headers && { headers }) });
}

/** @param error - what is wrong, and what to do about it */
export function errorReply(status: number, error: string, headers?: Reply["headers"]): Response {
  return jsonReply({ error } satisfies ErrorReply, status, headers);
}
