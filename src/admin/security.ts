/**
 * Decides which requests are answered. Three things are checked, docs/admin.md has the rules: the token, the `Host` header
 * (a foreign web page may let its own name resolve to this machine), and whether a foreign web page sent the request.
 */
import { timingSafeEqual } from "node:crypto";
import { ipFamily } from "../codec/ip-family.ts";
import { errorReply } from "./http.ts";
import type { AdminOptions } from "./options.ts";

/** Paths that need no token: they tell whether the server works, and nothing else. */
const OPEN_PATHS = new Set(["/healthz", "/readyz"]);

export class Access {
  readonly #host: string;
  readonly #token: Uint8Array | undefined;

  constructor({ host, token }: AdminOptions) {
    this.#host = host.toLowerCase();
    this.#token = token === undefined ? undefined : digest(token);
  }

  /** The reply to a request that must not be answered; undefined for all others. */
  refusal({ headers }: Request, path: string): Response | undefined {
    if (isForeign(headers)) return errorReply(403, "requests of other web sites are not answered");
    const hasToken = this.#hasToken(headers.get("authorization"));
    if (hasToken) return undefined;
    // Asked for before the host is checked: behind a proxy the host is any name, and the browser must ask for the token.
    if (this.#token !== undefined && !OPEN_PATHS.has(path)) {
      return errorReply(
        401,
        "the admin token is needed: as a bearer token, or as the password of basic authentication",
        {
          "www-authenticate": 'Basic realm="whereabouts", charset="UTF-8"',
        },
      );
    }
    if (this.#isOwnHost(headers.get("host"))) return undefined;
    return errorReply(
      403,
      "this host name is not answered: ask by IP address, by the name in --admin, or with the token",
    );
  }

  #hasToken(authorization: string | null): boolean {
    if (this.#token === undefined || authorization === null) return false;
    const [, scheme, credentials] = /^(bearer|basic) +(\S+)$/i.exec(authorization) ?? [];
    if (scheme === undefined) return false;
    const token = scheme.toLowerCase() === "bearer" ? credentials! : passwordOf(credentials!);
    // Digests have one length, so that the time taken tells nothing about the token.
    return token !== undefined && timingSafeEqual(digest(token), this.#token);
  }

  /** Only programs without DNS rebinding, those that speak HTTP/1.0, send no host. */
  #isOwnHost(header: string | null): boolean {
    if (header === null) return true;
    const [, ipv6, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
    if (ipv6 !== undefined) return ipFamily(ipv6) === 6;
    const host = name?.toLowerCase();
    return host !== undefined && (ipFamily(host) === 4 || host === "localhost" || host === this.#host);
  }
}

function digest(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}

/** The password in the credentials of basic authentication: `user:password` in base64. */
function passwordOf(credentials: string): string | undefined {
  const text = Buffer.from(credentials, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : text.slice(colon + 1);
}

/**
 * Whether a browser says that a page of another origin caused the request. A link to the page, which the user follows, is
 * no such request.
 */
function isForeign(headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin !== null) return URL.parse(origin)?.host !== (hostOf(headers) ?? "");
  const site = headers.get("sec-fetch-site");
  if (site !== "cross-site" && site !== "same-site") return false;
  return headers.get("sec-fetch-mode") !== "navigate" || headers.get("sec-fetch-dest") !== "document";
}

/** The host that the request was sent to, in the form of an origin's host: without port 80. */
function hostOf(headers: Headers): string | undefined {
  return URL.parse(`http://${headers.get("host")}`)?.host;
}
