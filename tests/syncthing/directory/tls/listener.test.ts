import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TlsListener } from "../../../../src/syncthing/directory/tls/listener.ts";
import { Folder } from "../../../support/folder.ts";
import { testIf } from "../../../support/needs.ts";
import { type ClientCertificate, hasOpenssl, makeCertificate, NEEDS_OPENSSL } from "../certificates.ts";
import { FakeDirectory, handlerOf } from "../fake-directory.ts";
import { type Send, sendHttp1, sendHttp2 } from "../requests.ts";
import { connectTls, END_HEADERS, END_STREAM, fields, frame, preface } from "./client.ts";
import { SERVER, TlsSite } from "./site.ts";

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

  testIf(hasOpenssl, NEEDS_OPENSSL)(`a client may go away before its reply over ${version}`, async () => {
    await using other = await TlsSite.open();
    const stored = Promise.withResolvers<"new">();
    const begun = Promise.withResolvers<void>();
    other.directory.announce = () => {
      begun.resolve();
      return stored.promise;
    };
    const client = await connectTls(other.listener.port, version === "HTTP/2" ? "h2" : "http/1.1", device);
    if (version === "HTTP/2") {
      const head = frame("HEADERS", END_HEADERS, 1, fields("POST", "/v2/"));
      client.socket.write(Buffer.concat([preface(), head, frame("DATA", END_STREAM, 1, Buffer.from(ANNOUNCEMENT))]));
    } else {
      const length = `Content-Length: ${ANNOUNCEMENT.length}`;
      client.socket.write(`POST /v2/ HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n${ANNOUNCEMENT}`);
    }
    await begun.promise;
    client.socket.destroy();
    while (other.listener.connections.open > 0) await Bun.sleep(5);
    stored.resolve("new");
    expect(await send(`${other.url}/ping`)).toMatchObject({ status: 204 });
    expect(other.listener.requests.new).toBe(1);
  });

  testIf(hasOpenssl, NEEDS_OPENSSL)(`a certificate in a header does not count over ${version}`, async () => {
    const headers = {
      "X-Ssl-Cert": encodeURIComponent(device.cert),
      "X-Tls-Client-Cert-Der-Base64": Buffer.from(device.der).toString("base64"),
    };
    const answer = await send(site.url, { method: "POST", body: ANNOUNCEMENT, headers });
    expect(answer).toMatchObject({ status: 403 });
  });
});

testIf(hasOpenssl, NEEDS_OPENSSL)("a certificate counts with any key, name and date", async () => {
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
});

test("two listeners share a port", async () => {
  const one = await TlsSite.open();
  const { port } = one.listener;
  const other = await TlsListener.listen({
    host: "127.0.0.1",
    port,
    ...SERVER,
    handler: handlerOf(new FakeDirectory()),
  });
  await one.listener.close();
  for (const [, send] of VERSIONS) expect(await send(`https://127.0.0.1:${port}/ping`)).toMatchObject({ status: 204 });
  await other.close();
});

test("a port that another program has is an error", async () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const options = { host: "127.0.0.1", port: taken.port, ...SERVER, handler: handlerOf(new FakeDirectory()) };
  await expect(TlsListener.listen(options)).rejects.toMatchObject({ code: "EADDRINUSE" });
  taken.stop(true);
});

testIf(hasOpenssl, NEEDS_OPENSSL)("a client may resume its TLS session: it keeps its certificate", async () => {
  for (const version of ["-tls1_2", "-tls1_3"]) {
    using folder = new Folder();
    const lines = [
      "POST /v2/ HTTP/1.1",
      "Host: localhost",
      "Connection: close",
      `Content-Length: ${ANNOUNCEMENT.length}`,
    ];
    const request = `${lines.join("\r\n")}\r\n\r\n${ANNOUNCEMENT}`;
    await Bun.write(folder.at("cert.pem"), device.cert);
    await Bun.write(folder.at("key.pem"), device.key);
    const session = folder.at("session");
    const first = ["-cert", folder.at("cert.pem"), "-key", folder.at("key.pem"), "-sess_out", session];
    for (const flags of [first, ["-sess_in", session]]) {
      const command = ["openssl", "s_client", "-connect", `127.0.0.1:${site.listener.port}`, version, ...flags];
      const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
      child.stdin.write(request);
      await child.stdin.flush();
      const output = await child.stdout.text();
      child.stdin.end();
      expect(output).toContain(flags === first ? "New, TLS" : "Reused, TLS");
      expect(output).toContain("HTTP/1.1 204 No Content");
    }
  }
});

testIf(hasOpenssl, NEEDS_OPENSSL)("TLS 1.1 is refused", async () => {
  const target = `127.0.0.1:${site.listener.port}`;
  const old = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
  const child = Bun.spawn(["openssl", "s_client", "-connect", target, ...old], { stdin: "ignore", stderr: "pipe" });
  expect(await child.stderr.text()).toContain("alert protocol version");
  expect(await child.exited).toBe(1);
});
