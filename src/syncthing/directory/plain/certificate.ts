/** The certificates of clients, as proxies that end TLS pass them on in headers. */

/** The first of them that a request has counts. */
const HEADERS = [
  // nginx: PEM. $ssl_client_escaped_cert is URL-escaped; $ssl_client_cert is folded, with white space instead of line ends.
  "x-ssl-cert",
  // Caddy: base64 of DER.
  "x-tls-client-cert-der-base64",
  // Traefik: base64 of DER, URL-escaped, of each certificate of the chain, the client's first.
  "x-forwarded-tls-client-cert",
];
const PEM_MARKS = /-----(?:BEGIN|END) CERTIFICATE-----|\s+/g;
const BASE64 = /^[A-Za-z\d+/]+={0,2}$/;
/** DER: a SEQUENCE whose length has two more bytes. Certificates are longer than 255 bytes, and shorter than 65,536. */
const SEQUENCE = 0x30;
const TWO_BYTES_OF_LENGTH = 0x82;
const HEADER_BYTES = 4;

/** @returns the client's certificate in DER, or undefined if there is no header with a whole one */
export function certificateInHeaders(headers: Headers): Uint8Array | undefined {
  for (const name of HEADERS) {
    const text = headers.get(name);
    if (text !== null && text !== "") return decodeCertificate(text);
  }
  return undefined;
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
