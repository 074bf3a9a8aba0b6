import { expect, test } from "bun:test";
import { formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { GlobalServer } from "../../../src/syncthing/global/server.ts";
import { DeadPort } from "../../support/ports.ts";
import { OriginalServer } from "../../support/syncthing/original.ts";
import { until } from "../../support/time-limits.ts";
import { describeClient, ID } from "./runtime.ts";
import { FOUND_RESULT, finds, PlainServer, reply, ScriptedServer } from "./scripted-server.ts";

describeClient("GlobalServer", (check) => {
  check(
    "announces to the original server, and finds there what it announced",
    async ({ run, own, server }) => {
      await using original = await OriginalServer.start(server);
      const announce = ["tcp://192.0.2.7:22000", "quic://192.0.2.7:22000"];
      const lookups = [Buffer.from(own.id).toString("hex"), ID];
      const before = Date.now();
      const [announced, found, unknown] = await run({ url: original.url, identity: own, announce, lookups });
      expect(announced!.reannounceAfter).toBeWithin(60, 5_401);
      expect(found!.addresses!.toSorted()).toEqual(announce.toSorted());
      // The original rounds to seconds.
      expect(found!.seenAt).toBeWithin(before - 1_000, Date.now() + 1);
      expect(unknown).toEqual({ retryAfter: expect.any(Number) });
      expect(unknown!.retryAfter).toBeWithin(60, 3_601);
      const [refused] = await run({ url: original.url, identity: own, announce: [] });
      expect(refused!.code).toBe("HTTP_400");
      expect(refused!.error).toMatch(/: it refuses the announcement \(status 400\); try again in \d+ s$/);
    },
    "stdiscosrv",
  );

  check("sends requests to the path of its URL", async ({ run, own, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, seen) => {
      if (seen.line.startsWith("POST")) socket.write(reply("204 No Content"));
      else finds(socket, seen);
    });
    const announce = ["tcp://192.0.2.7:22000"];
    const url = scripted.url(`id=${server.deviceId}`);
    expect(await run({ url, identity: own, announce, lookups: [ID] })).toEqual([
      { reannounceAfter: 1_800 },
      FOUND_RESULT,
    ]);
    const [announcement, lookup] = scripted.requests;
    expect(announcement!.line).toBe("POST /v2/ HTTP/1.1");
    expect(announcement!.text).toContain(`Host: 127.0.0.1:${scripted.port}\r\n`);
    expect(announcement!.text).toEndWith('\r\n\r\n{"addresses":["tcp://192.0.2.7:22000"]}');
    expect(lookup!.line).toBe(`GET /v2/?device=${formatDeviceId(Buffer.from(ID, "hex"))} HTTP/1.1`);
  });

  check("shares four connections among many lookups", async ({ run, server }) => {
    await using scripted = await ScriptedServer.start(server, finds);
    const url = scripted.url(`id=${server.deviceId}`);
    const results = await run({ url, lookups: Array(200).fill(ID), stop: "never" });
    expect(results).toEqual(Array(200).fill(FOUND_RESULT));
    expect(scripted.connections).toBeWithin(1, 5);
  });

  check("asks again if the server has closed a kept connection meanwhile", async ({ run, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, seen) => {
      if (seen.connection === 1 && seen.nth === 2) socket.destroy();
      else finds(socket, seen);
    });
    const url = scripted.url(`id=${server.deviceId}`);
    expect(await run({ url, lookups: Array(40).fill(ID) })).toEqual(Array(40).fill(FOUND_RESULT));
    expect(scripted.requests.length).toBe(41);
  });

  check("closes a connection that is not used any more", async ({ run, server }) => {
    await using scripted = await ScriptedServer.start(server, finds);
    const url = scripted.url(`id=${server.deviceId}`);
    expect(await run({ url, lookups: [ID], idle: 50, stop: "never" })).toEqual([FOUND_RESULT]);
    await until(() => scripted.closed === 1, "the connection to be closed");
  });

  check("ends lookups when it is closed, or when they are aborted", async ({ run }) => {
    await using silent = await PlainServer.start();
    const task = { url: `https://${silent.host}/?insecure`, lookups: Array(9).fill(ID) };
    const [closed, aborted] = await Promise.all([run({ ...task, stop: "close" }), run({ ...task, stop: "abort" })]);
    expect(closed).toEqual(Array(9).fill({ error: `Error: the client of ${silent.host} is closed` }));
    expect(aborted).toEqual(Array(9).fill({ error: "Error: aborted by the test" }));
  });

  check("waits for a server as long as its timeout, however that delays its reply", async ({ ask, server }) => {
    await using silent = await PlainServer.start();
    await using slow = await ScriptedServer.start(server, (socket, { line }) => {
      const [, path] = /\/(\w+)/.exec(line)!;
      const [begin, drop] = DELAYS[path as keyof typeof DELAYS];
      socket.write(begin);
      const timer = setInterval(() => socket.write(drop), 10);
      socket.on("close", () => clearInterval(timer));
    });
    const url = slow.url(`id=${server.deviceId}`);
    const urls = [...Object.keys(DELAYS).map((path) => url.replace("v2", path)), `https://${silent.host}/?insecure`];
    const results = await Promise.all(urls.map((url) => ask(url, 300)));
    const timeOut = (url: string) => ({
      error: `DiscoveryError: ${new URL(url).host}: no answer within 0.3 s (ETIMEDOUT)`,
      code: "ETIMEDOUT",
    });
    expect(results).toEqual(urls.map(timeOut));
  });

  check("says why it cannot ask a server", async ({ ask }) => {
    using dead = await DeadPort.open();
    await using http = await PlainServer.start("HTTP/1.1 400 Bad Request\r\n\r\n");
    await using closing = await PlainServer.start("");
    const hosts = [dead.address, http.host, closing.host, "nobody.invalid:443"];
    const results = await Promise.all(hosts.map((host) => ask(`https://${host}/?insecure`)));
    expect(results.map(({ code }) => code)).toEqual([
      "ECONNREFUSED",
      "ERR_SSL_WRONG_VERSION_NUMBER",
      "ECONNRESET",
      expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    ]);
    expect(results.map(({ error }, i) => error!.replace(`DiscoveryError: ${hosts[i]}: `, ""))).toEqual([
      "no server listens there (ECONNREFUSED)",
      "it does not speak HTTPS on that port",
      "it closed the connection before its answer was complete (ECONNRESET)",
      expect.stringMatching(/^the name does not resolve \(E\w+\)$/),
    ]);
  });

  check("refuses to announce without a certificate", async ({ run }) => {
    const [result] = await run({ url: "https://192.0.2.1/", announce: ["tcp://192.0.2.7:22000"] });
    expect(result).toEqual({ error: "DiscoveryError: 192.0.2.1:443: announcing needs a certificate and its key" });
  });

  check("refuses a certificate and a key that are not a pair", async ({ run, own, other }) => {
    const url = "https://192.0.2.1/";
    const wrong = [
      { ...own, key: other.key },
      { ...own, key: "" },
      { ...own, certificate: "MIIB" },
    ];
    const results = await Promise.all(wrong.map((identity) => run({ url, identity })));
    const error = "RangeError: the certificate and the key must be a pair, both in PEM";
    expect(results.flat()).toEqual(Array(3).fill(expect.objectContaining({ error })));
  });
});

/** What a server writes at first, and again and again after it. */
const DELAYS = {
  nothing: ["", ""],
  headers: ["HTTP/1.1 200 OK\r\n", "X-A: b\r\n"],
  body: ["HTTP/1.1 200 OK\r\n\r\n", " "],
  information: ["", "HTTP/1.1 102 Processing\r\n\r\n"],
} as const;

test("a server announces with a certificate only, and obeys the options of its URL", () => {
  const of = (url: string) => {
    const server = new GlobalServer(url, undefined);
    server.close();
    return [server.name, server.announces, server.looksUp];
  };
  expect(of("https://discovery.example/")).toEqual(["discovery.example:443", false, true]);
  expect(of("https://discovery.example:8443/?nolookup")).toEqual(["discovery.example:8443", false, false]);
});
