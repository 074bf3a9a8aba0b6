/**
 * The certificates of clients, as proxies that end TLS pass them on in a header:
 *
 * - nginx in X-Ssl-Cert, as PEM. $ssl_client_escaped_cert is URL-escaped; $ssl_client_cert is folded, with white space instead of
 *   line ends.
 * - Caddy in X-Tls-Client-Cert-Der-Base64, as base64 of DER.
 * - Traefik in X-Forwarded-Tls-Client-Cert, as base64 of DER, URL-escaped, of each certificate of the chain, the client's first.
 */

/** The headers above. */
const HEADERS = ["x-ssl-cert", "x-tls-client-cert-der-base64", "x-forwarded-tls-client-cert"];
const PEM_MARKS = /-----(?:BEGIN|END) CERTIFICATE-----|\s+/g;
const BASE64 = /^[A-Za-z\d+/]+={0,2}$/;
/** DER: a SEQUENCE whose length has two more bytes. Certificates are longer than 255 bytes, and shorter than 65,536. */
const SEQUENCE = 0x30;
const TWO_BYTES_OF_LENGTH = 0x82;
const HEADER_BYTES = 4;

/**
 * @param header - the one that the proxy sets, as it passes others on as the client made them up; `auto`: any of those above
 * @returns the client's certificate in DER, or undefined if there is no whole one
 */
export function certificateInHeader(headers: Headers, header: string): Uint8Array | undefined {
  const names = header === "auto" ? HEADERS : [header];
  const [text, ...others] = names.flatMap((name) => headers.get(name) || []);
  // If there are two, in one header or in several, one of them may be made up.
  return text === undefined || others.length > 0 || text.includes(", ") ? undefined : decodeCertificate(text);
}

/** Decodes all forms in which proxies write a certificate. */
function decodeCertificate(text: string): Uint8Array | undefined {
  let unescaped = text;
  if (text.includes("%")) {
    try {
      unescaped = decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  const [first] = unescaped.split(",");
  const base64 = first!.replace(PEM_MARKS, "");
  if (!BASE64.test(base64)) return undefined;
  const der = Buffer.from(base64, "base64");
  return isWhole(der) ? der : undefined;
}

/** Whether a certificate is not cut off: then it would be another device's. */
function isWhole(der: Buffer): boolean {
  if (der[0] !== SEQUENCE || der[1] !== TWO_BYTES_OF_LENGTH || der.length < HEADER_BYTES) return false;
  return der.length === HEADER_BYTES + der.readUInt16BE(2);
}
