/** Sends requests of global discovery over each version of HTTP. */
import { connect } from "node:http2";
import type { ClientCertificate } from "./certificates.ts";

export interface RequestOptions {
  /** Default: GET. */
  readonly method?: string | undefined;
  readonly body?: string | undefined;
  readonly headers?: Record<string, string>;
  /** Default: none. */
  readonly certificate?: ClientCertificate | undefined;
}

export interface Answer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

export type Send = (url: string, options?: RequestOptions) => Promise<Answer>;

export const sendHttp1: Send = async (url, options = {}) => {
  const { method = "GET", body, headers, certificate } = options;
  const tls = { rejectUnauthorized: false, cert: certificate?.cert, key: certificate?.key };
  const response = await fetch(url, { method, body, headers, tls, redirect: "manual", keepalive: false });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
};

export const sendHttp2: Send = async (url, options = {}) => {
  const { method = "GET", body, headers = {}, certificate } = options;
  const { origin, pathname, search } = new URL(url);
  const session = connect(origin, { rejectUnauthorized: false, cert: certificate?.cert, key: certificate?.key });
  try {
    return await new Promise<Answer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":method": method, ":path": pathname + search, ...headers });
      const received: Record<string, string> = {};
      let text = "";
      stream.on("response", (fields) => {
        for (const [name, value] of Object.entries(fields)) received[name] = String(value);
      });
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        text += chunk;
      });
      stream.on("error", reject);
      stream.on("end", () => {
        const { ":status": status, ...fields } = received;
        if (status === undefined) reject(new Error("the stream ended without a reply"));
        else resolve({ status: Number(status), headers: fields, body: text });
      });
      stream.end(body);
    });
  } finally {
    session.destroy();
  }
};
