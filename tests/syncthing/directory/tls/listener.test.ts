import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { testIf } from "../../../support/needs.ts";
import { type ClientCertificate, hasOpenssl, makeCertificate, NEEDS_OPENSSL } from "../certificates.ts";
import { type Send, sendHttp1, sendHttp2 } from "../requests.ts";
import { TlsSite } from "./site.ts";

const ANNOUNCEMENT = JSON.stringify({ addresses: ["tcp://192.0.2.7:22000"] });
const NOBODY = "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA";

let site: TlsSite;
let device: ClientCertificate;

beforeAll(async () => {
  site = await TlsSite.open();
  if (hasOpenssl) device = await makeCertificate();
});

afterAll(() => site[Symbol.asyncDispose]());

const VERSIONS: [string, Send][] = [
  ["HTTP/1.1", sendHttp1],
  ["HTTP/2", sendHttp2],
];

describe.each(VERSIONS)("over %s", (version, send) => {
  testIf(hasOpenssl, NEEDS_OPENSSL)(`a device is announced and found over ${version}`, async () => {
    const url = `${site.url}/v2/`;
    const announced = await send(url, { method: "POST", body: ANNOUNCEMENT, certificate: device });
    expect(announced).toMatchObject({ status: 204, body: "" });
    expect(Number(announced.headers["reannounce-after"])).toBeWithin(3300, 3600);
    const found = await send(`${url}?device=${device.device}`);
    expect(found.status).toBe(200);
    expect(found.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(found.body)).toEqual({
      seen: "2026-01-02T03:04:05.678Z",
      addresses: ["tcp://192.0.2.7:22000"],
    });
  });

  test.each([
    ["GET", `/v2/?device=${NOBODY}`, 404, "Not Found\n"],
    ["GET", "/v2/?device=A", 400, "Bad Request\n"],
    ["POST", "/v2/", 403, "Forbidden\n"],
    ["PUT", "/v2/", 405, "Method Not Allowed\n"],
    ["HEAD", "/v2/", 405, ""],
    ["GET", "/ping", 204, ""],
    ["POST", "/ping", 204, ""],
    ["HEAD", "/ping", 204, ""],
  ])(`%s %s is answered with status %d over ${version}`, async (method, target, status, body) => {
    expect(await send(site.url + target, { method })).toMatchObject({ status, body });
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)(
    `the longest body is read, and one byte more is refused over ${version}`,
    async () => {
      const body = ANNOUNCEMENT.padEnd(65_536);
      const options = { method: "POST", certificate: device };
      expect(await send(site.url, { ...options, body })).toMatchObject({ status: 204 });
      expect(await send(site.url, { ...options, body: `${body} ` })).toMatchObject({ status: 413 });
    },
  );

  testIf(hasOpenssl, NEEDS_OPENSSL)(`a certificate in a header does not count over ${version}`, async () => {
    const headers = {
      "X-Ssl-Cert": encodeURIComponent(device.cert),
      "X-Tls-Client-Cert-Der-Base64": Buffer.from(device.der).toString("base64"),
    };
    const answer = await send(site.url, { method: "POST", body: ANNOUNCEMENT, headers });
    expect(answer).toMatchObject({ status: 403 });
  });
});

testIf(hasOpenssl, NEEDS_OPENSSL)(
  "a certificate counts with any key, name and date: its device is the hash, and it is proven by the key",
  async () => {
    const certificates = await Promise.all([
      makeCertificate({ keyType: "P256", name: "other.example" }),
      makeCertificate({ keyType: "Ed25519" }),
      makeCertificate({ keyType: "RSA" }),
      makeCertificate({ madeAt: "2010-01-01 00:00:00" }),
      makeCertificate({ madeAt: "2037-01-01 00:00:00" }),
    ]);
    for (const certificate of certificates) {
      for (const [, send] of VERSIONS) {
        expect(await send(site.url, { method: "POST", body: ANNOUNCEMENT, certificate })).toMatchObject({
          status: 204,
        });
        expect(await send(`${site.url}/?device=${certificate.device}`)).toMatchObject({ status: 200 });
      }
    }
    // The certificate of the one with the key of the other.
    const forged = { ...certificates[0]!, key: certificates[3]!.key };
    await expect(sendHttp1(site.url, { method: "POST", body: ANNOUNCEMENT, certificate: forged })).rejects.toThrow();
  },
);
