/** Access to the admin server: tokens, host names, and requests from foreign web pages. */
import { expect, test } from "bun:test";
import { type AdminOptions, AdminServer } from "../../src/admin/index.ts";
import { Access } from "../../src/admin/security.ts";
import { logged, Site } from "./site.ts";

const TOKEN = "s3cret:T0ken~";
const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("with a token, requests must present it; only /healthz and /readyz need none", async () => {
  const lines = await logged(async () => {
    await using site = await Site.start({ token: TOKEN });
    const bodies: string[] = [];
    const status = async (path: string, headers: Record<string, string>) => {
      const response = await site.get(path, headers);
      bodies.push(await response.text(), JSON.stringify([...response.headers]));
      return response.status;
    };
    for (const path of [
      "/",
      "/metrics",
      "/api/stats",
      "/api/events",
      "/api/limited",
      "/api/history",
      "/nonsense",
      "/api/nodes/x",
    ]) {
      const response = await site.get(path);
      expect([response.status, response.headers.get("www-authenticate")], path).toEqual([
        401,
        'Basic realm="whereabouts", charset="UTF-8"',
      ]);
      expect(await response.json()).toEqual({
        error: "the admin token is needed: as a bearer token, or as the password of basic authentication",
      });
    }
    expect(await status("/healthz", {})).toBe(200);
    expect(await status("/readyz", {})).toBe(200);
    for (const right of [
      bearer(TOKEN),
      { authorization: `bEARER  ${TOKEN}` },
      basic(`any:${TOKEN}`),
      basic(`:${TOKEN}`),
    ]) {
      expect(await status("/api/stats", right)).toBe(200);
    }
    const wrong = [
      bearer(`${TOKEN}x`),
      bearer(TOKEN.slice(1)),
      bearer(TOKEN.toUpperCase()),
      basic(TOKEN.replace(":", "")),
      basic(`any:${TOKEN} `),
      basic(""),
      { authorization: TOKEN },
      { authorization: `Digest ${TOKEN}` },
      { authorization: "Basic" },
      { authorization: "Basic \u00ff" },
      { authorization: "" },
      { cookie: `token=${TOKEN}` },
    ];
    for (const headers of wrong) expect(await status("/api/stats", headers), JSON.stringify(headers)).toBe(401);
    expect(await status(`/api/stats?token=${encodeURIComponent(TOKEN)}`, {})).toBe(401);
    for (const body of bodies) expect(body).not.toContain(TOKEN);
    // Without a colon there is no password.
    await using other = await Site.start({ token: "no-colon" });
    const statusOfOther = async (text: string) => (await other.get("/api/stats", basic(text))).status;
    expect([await statusOfOther("no-colon"), await statusOfOther(":no-colon")]).toEqual([401, 200]);
  });
  expect(lines.join("\n")).not.toContain(TOKEN);
});

test("a foreign host name is not answered, because it may be rebound to this machine", async () => {
  await using site = await Site.start({ host: "localhost" });
  const status = async (host: string) => (await site.get("/api/stats", { host })).status;
  for (const host of [
    "127.0.0.1",
    "127.0.0.1:1",
    "10.1.2.3",
    "[::1]",
    "[2001:db8::1]:22080",
    "localhost",
    "LOCALHOST:80",
  ]) {
    expect(await status(host), host).toBe(200);
  }
  for (const host of [
    "evil.example",
    "evil.example:22080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "x.localhost",
    "1.2.3",
    "0x7f000001",
    "a b",
    "127.0.0.1, evil.example",
  ]) {
    const response = await site.get("/healthz", { host });
    expect([response.status, await response.json()], host).toEqual([
      403,
      { error: "this host name is not answered: ask by IP address, by the name in --admin, or with the token" },
    ]);
  }
  // HTTP/1.0 needs no host, and no browser speaks it.
  const old = await site.connect("GET /healthz HTTP/1.0\r\n\r\n");
  while (!old.text.endsWith("ok\n")) await Bun.sleep(1);
  expect(old.text).toStartWith("HTTP/1.1 200 OK");
  old.socket.end();
});

test("with the token, any host name is answered, as behind a proxy", async () => {
  await using site = await Site.start({ token: TOKEN });
  const host = "status.example.com";
  expect((await site.get("/api/stats", { host, ...bearer(TOKEN) })).status).toBe(200);
  // The browser must ask for the token.
  expect((await site.get("/", { host })).status).toBe(401);
  expect((await site.get("/readyz", { host })).status).toBe(403);
});

test("without the token, the name in --admin is answered where no token is needed, and no other name", () => {
  const access = new Access({ host: "Discovery.example.com", port: 22080, token: TOKEN });
  const status = (headers: Record<string, string>) =>
    access.refusal(new Request("http://x/readyz", { headers }), "/readyz")?.status;
  expect(status({ host: "discovery.example.com" })).toBeUndefined();
  expect(status({ host: "DISCOVERY.example.com:22080" })).toBeUndefined();
  for (const host of ["example.com", "other.example.com", "discovery.example.com.evil.example", "[evil.example]"]) {
    expect(status({ host }), host).toBe(403);
  }
  // An origin and a host that both are none do not agree.
  expect(status({ host: "a b", origin: "null", ...bearer(TOKEN) })).toBe(403);
});

test("requests that foreign web pages cause are refused, even with the token", async () => {
  for (const token of [undefined, TOKEN]) {
    await using site = await Site.start({ token });
    const { host } = new URL(site.url);
    const status = async (headers: Record<string, string>) =>
      (await site.get("/api/events", { ...(token && bearer(token)), ...headers }, "HEAD")).status;
    const document = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    const fine = [
      {},
      { origin: site.url },
      { origin: `https://${host}` },
      { host: "127.0.0.1:80", origin: "http://127.0.0.1" },
      { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
      { "sec-fetch-site": "none", ...document },
      { "sec-fetch-site": "cross-site", ...document },
    ];
    for (const headers of fine) expect(await status(headers), JSON.stringify(headers)).toBe(200);
    const foreign = [
      { origin: "https://evil.example" },
      { origin: "http://127.0.0.1:1" },
      { origin: "null" },
      { origin: "" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "document" },
    ];
    for (const headers of foreign) expect(await status(headers), JSON.stringify(headers)).toBe(403);
  }
});

test("options of the admin server that are wrong are refused, without naming the token", async () => {
  const wrong: [Partial<AdminOptions>, typeof TypeError | typeof RangeError, string][] = [
    [{ host: "0.0.0.0" }, RangeError, "token is needed, because 0.0.0.0 can be reached from other machines"],
    [{ host: "::" }, RangeError, "token is needed, because :: can be reached from other machines"],
    [{ host: "192.0.2.1" }, RangeError, "token is needed, because 192.0.2.1 can be reached from other machines"],
    [{ host: "name.example" }, RangeError, "token is needed, because name.example can be reached from other machines"],
    [{ host: "" }, RangeError, "host must be an address or a name, not an empty text"],
    [{ host: 1 as never }, TypeError, "host must be a text, not 1"],
    [{ port: 65_536 }, RangeError, "port must be a whole number from 0 to 65535, not 65536"],
    [{ port: "1" as never }, TypeError, 'port must be a number, not the string "1"'],
    [{ token: "" }, RangeError, "token must be letters, digits and punctuation of ASCII, without spaces"],
    [{ token: "pass word" }, RangeError, "token must be letters, digits and punctuation of ASCII, without spaces"],
    [{ token: "schlüssel" }, RangeError, "token must be letters, digits and punctuation of ASCII, without spaces"],
    [{ token: 5 as never }, TypeError, "token must be a text"],
    [{ tokn: "x" } as never, TypeError, 'options has no key "tokn"'],
  ];
  for (const [options, Kind, message] of wrong) {
    const error = await AdminServer.start({ host: "127.0.0.1", port: 0, ...options }).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(error, message).toBeInstanceOf(Kind);
    expect(error!.message).toStartWith(message);
  }
});

test("loopback addresses need no token, and a token makes every address possible", async () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"]) {
    const admin = await AdminServer.start({ host, port: 0 });
    expect(admin.url, host).toBeDefined();
    await admin.stop();
  }
  await using site = await Site.start({ host: "0.0.0.0", token: TOKEN });
  expect((await site.get("/api/stats", bearer(TOKEN))).status).toBe(200);
});
