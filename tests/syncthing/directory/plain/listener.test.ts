import { expect, test } from "bun:test";
import { connect } from "node:net";
import type { Network } from "../../../../src/engine/index.ts";
import { parseNetwork } from "../../../../src/server/index.ts";
import { PlainListener } from "../../../../src/syncthing/directory/plain/listener.ts";
import { CADDY_HEADER, caddy, madeUpCertificate, PROXIES } from "../certificates.ts";
import { FakeDirectory, handlerOf } from "../fake-directory.ts";
import { sendHttp1 } from "../requests.ts";
import { source } from "../source.ts";

const DEVICE = madeUpCertificate("one");
const UNSPECIFIED = JSON.stringify({ addresses: ["tcp://0.0.0.0:22000", "quic://0.0.0.0:0"] });
const LOOPBACK = [parseNetwork("127.0.0.0/8")];
const PROXY = { ...caddy(DEVICE), "X-Forwarded-For": "203.0.113.9", "X-Client-Port": "4711" };

class PlainSite implements AsyncDisposable {
  readonly directory = new FakeDirectory();
  readonly listener: PlainListener;

  constructor(trusted: readonly Network[]) {
    const handler = handlerOf(this.directory);
    this.listener = new PlainListener({
      host: "127.0.0.1",
      port: 0,
      handler,
      trusted,
      certificateHeader: CADDY_HEADER,
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.listener.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.close();
  }
}

/** A source, as limits are charged to it. */
function hex(address: string): string {
  return Buffer.from(source(address, 0).address).toString("hex");
}

test("a trusted proxy's headers name the device, its address and its port", async () => {
  await using site = new PlainSite(LOOPBACK);
  const announced = await sendHttp1(`${site.url}/v2/`, { method: "POST", body: UNSPECIFIED, headers: PROXY });
  expect(announced).toMatchObject({ status: 204 });
  const found = await sendHttp1(`${site.url}/v2/?device=${DEVICE.device}`, { headers: PROXY });
  expect(JSON.parse(found.body).addresses).toEqual(["tcp://203.0.113.9:22000", "quic://203.0.113.9:4711"]);
  const by = hex("203.0.113.9");
  expect(site.directory.charged).toEqual([`announcements ${by}`, `new ${by}`, `queries ${by}`]);
  expect(site.listener.requests).toMatchObject({ new: 1, found: 1 });
});

test("headers of others are not believed: announcements are refused, look-ups are charged to the peer", async () => {
  await using site = new PlainSite([parseNetwork("192.0.2.0/24")]);
  const announced = await sendHttp1(site.url, { method: "POST", body: UNSPECIFIED, headers: PROXY });
  expect(announced).toMatchObject({ status: 403 });
  expect(await sendHttp1(`${site.url}/?device=${DEVICE.device}`, { headers: PROXY })).toMatchObject({ status: 404 });
  const by = hex("127.0.0.1");
  expect(site.directory.charged).toEqual([`announcements ${by}`, `queries ${by}`]);
  expect(site.listener.requests).toMatchObject({ "no-certificate": 1, "not-found": 1 });
});

test("a certificate in another header than the proxy's is not believed: the client may have sent it", async () => {
  await using site = new PlainSite(LOOPBACK);
  const proxy = { "X-Forwarded-For": "203.0.113.9" };
  for (const [name, encode] of PROXIES) {
    const headers = { ...proxy, ...encode(DEVICE) };
    const { status } = await sendHttp1(site.url, { method: "POST", body: UNSPECIFIED, headers });
    expect({ name, status }).toEqual({ name, status: name === "Caddy" ? 204 : 403 });
  }
});

test("an unspecified address is not taken for the proxy's if the proxy does not name the client", async () => {
  await using site = new PlainSite(LOOPBACK);
  const addresses = ["tcp://0.0.0.0:22000", "tcp://192.0.2.7:1"];
  const headers = caddy(DEVICE);
  await sendHttp1(site.url, { method: "POST", body: JSON.stringify({ addresses }), headers });
  expect([...site.directory.devices.values()].map((found) => found.addresses)).toEqual([["tcp://192.0.2.7:1"]]);
});

test("a body that is too long is refused, with its length before it or in chunks", async () => {
  await using site = new PlainSite(LOOPBACK);
  const body = UNSPECIFIED.padEnd(65_536);
  expect(await sendHttp1(site.url, { method: "POST", headers: PROXY, body })).toMatchObject({ status: 204 });
  expect(await sendHttp1(site.url, { method: "POST", headers: PROXY, body: `${body} ` })).toMatchObject({
    status: 413,
  });
  const chunks = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(10_000).fill(32));
    },
  });
  const response = await fetch(site.url, { method: "POST", headers: PROXY, body: chunks });
  expect(response.status).toBe(413);
  expect(site.listener.requests).toMatchObject({ new: 1, "too-long": 2 });
});

test.each([
  ["HEAD", "/v2/", 405],
  ["HEAD", "/ping", 204],
  ["PUT", "/ping?x", 204],
  ["GET", "/pings", 404],
])("%s %s is answered with status %d and no body that does not belong there", async (method, target, status) => {
  await using site = new PlainSite(LOOPBACK);
  expect((await sendHttp1(site.url + target, { method })).status).toBe(status);
});

test("a request of HTTP/1.0 without the header Host is answered like any other", async () => {
  await using site = new PlainSite(LOOPBACK);
  await sendHttp1(site.url, { method: "POST", body: UNSPECIFIED, headers: PROXY });
  const statuses = ["/ping", `/v2/?device=${DEVICE.device}`, "/v2/?device=none"].map(async (target) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(site.listener.port, "127.0.0.1");
    socket.on("data", (data) => resolve(data.toString().split(" ")[1]!));
    socket.write(`GET ${target} HTTP/1.0\r\n\r\n`);
    const status = await promise;
    socket.destroy();
    return status;
  });
  expect(await Promise.all(statuses)).toEqual(["204", "200", "400"]);
});

test("two listeners share a port", async () => {
  await using one = new PlainSite(LOOPBACK);
  const { port } = one.listener;
  const handler = handlerOf(new FakeDirectory());
  const other = new PlainListener({ host: "127.0.0.1", port, handler, trusted: [], certificateHeader: CADDY_HEADER });
  await one.listener.close();
  expect(await sendHttp1(`http://127.0.0.1:${port}/ping`)).toMatchObject({ status: 204 });
  await other.close();
});

test("the request in progress ends before the listener does", async () => {
  const site = new PlainSite(LOOPBACK);
  const { promise, resolve } = Promise.withResolvers<"new">();
  const begun = Promise.withResolvers<void>();
  site.directory.announce = () => {
    begun.resolve();
    return promise;
  };
  const answer = sendHttp1(site.url, { method: "POST", headers: PROXY, body: UNSPECIFIED });
  await begun.promise;
  const closed = site.listener.close();
  resolve("new");
  expect(await answer).toMatchObject({ status: 204 });
  await closed;
  await expect(sendHttp1(site.url)).rejects.toThrow();
});

test("a client that goes away in the middle of its request is counted", async () => {
  await using site = new PlainSite(LOOPBACK);
  const socket = connect(site.listener.port, "127.0.0.1");
  const proxy = Object.entries(PROXY).map(([name, value]) => `${name}: ${value}\r\n`);
  const charged = Promise.withResolvers<void>();
  site.directory.passes = () => {
    charged.resolve();
    return true;
  };
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${proxy.join("")}Content-Length: 100\r\n\r\n{`);
  await charged.promise;
  socket.destroy();
  while (site.listener.requests.aborted === 0) await Bun.sleep(5);
  expect(site.directory.devices.size).toBe(0);
});
