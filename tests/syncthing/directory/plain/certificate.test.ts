import { expect, test } from "bun:test";
import { certificateInHeader } from "../../../../src/syncthing/directory/plain/certificate.ts";
import { madeUpCertificate, PROXIES, withoutMarks } from "../certificates.ts";

const { cert, der } = madeUpCertificate("one");
const other = madeUpCertificate("other");

/** What is found in one header. */
function found(name: string, value: string): Uint8Array | undefined {
  const certificate = certificateInHeader(new Headers({ [name]: value }), name);
  return certificate && new Uint8Array(certificate);
}

test.each(PROXIES)("the certificate that %s passes on is found", (_name, encode) => {
  const [[header, value]] = Object.entries(encode(madeUpCertificate("one"))) as [[string, string]];
  expect(found(header, value)).toEqual(new Uint8Array(der));
});

test("a folded header may have tabs and any number of spaces", () => {
  expect(found("X-SSL-Cert", cert.trim().replaceAll("\n", "\t"))).toEqual(new Uint8Array(der));
  expect(found("X-SSL-Cert", cert.trim().replaceAll("\n", "   \t "))).toEqual(new Uint8Array(der));
});

test("of a chain the first certificate counts, escaped or not", () => {
  const chain = [cert, other.cert].map(withoutMarks);
  const name = "X-Forwarded-Tls-Client-Cert";
  expect(found(name, chain.join(","))).toEqual(new Uint8Array(der));
  expect(found(name, chain.map(encodeURIComponent).join(","))).toEqual(new Uint8Array(der));
  expect(found(name, encodeURIComponent(chain.join(",")))).toEqual(new Uint8Array(der));
});

test.each(["X-SSL-Cert", "X-Tls-Client-Cert-Der-Base64", "X-Forwarded-Tls-Client-Cert"])(
  "garbage in %s is no certificate, nor is a part of one",
  (name) => {
    const base64 = withoutMarks(cert);
    const wrong = ["x", "%", "%zz", "%FF", ",", "-----BEGIN CERTIFICATE-----", "=", "AAAA", "MIIB", "a".repeat(10_000)];
    for (const text of [...wrong, base64.slice(0, -4), base64.slice(4), `${base64.slice(0, -1)}!`, base64 + base64]) {
      expect({ text, found: found(name, text) }).toEqual({ text, found: undefined });
    }
  },
);

test("without a header there is no certificate", () => {
  expect(certificateInHeader(new Headers(), "X-SSL-Cert")).toBeUndefined();
});

test("of a header that comes twice, none counts", () => {
  const headers = new Headers({ "X-SSL-Cert": encodeURIComponent(cert) });
  headers.append("X-SSL-Cert", encodeURIComponent(other.cert));
  expect(certificateInHeader(headers, "X-SSL-Cert")).toBeUndefined();
});

test("any of the known headers counts if none is named, but not two of them", () => {
  for (const [, encode] of PROXIES) {
    const headers = new Headers(encode(madeUpCertificate("one")));
    expect(new Uint8Array(certificateInHeader(headers, "auto")!)).toEqual(new Uint8Array(der));
    const [name] = Object.keys(encode(madeUpCertificate("one")));
    for (const [, encodeOther] of PROXIES) {
      for (const [otherName, value] of Object.entries(encodeOther(other))) {
        if (otherName === name) continue;
        const both = new Headers(headers);
        both.set(otherName, value);
        expect(certificateInHeader(both, "auto")).toBeUndefined();
      }
    }
  }
  expect(certificateInHeader(new Headers({ "X-Other": encodeURIComponent(cert) }), "auto")).toBeUndefined();
});
