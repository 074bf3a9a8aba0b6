import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { hasNode, NEEDS_NODE } from "../../support/node.ts";
import { lastingPort } from "../../support/ports.ts";
import { until } from "../../support/time-limits.ts";
import { type Certificate, expired, hasOpenssl, NEEDS_OPENSSL, selfSigned } from "./certificates.ts";
import { Client } from "./runtime.ts";
import { reply, ScriptedServer } from "./scripted-server.ts";

const ID = "ab".repeat(32);
const FOUND = JSON.stringify({ seen: "2026-01-31T12:00:00Z", addresses: ["tcp://192.0.2.7:22000"] });
const FOUND_RESULT = { addresses: ["tcp://192.0.2.7:22000"], seenAt: Date.parse("2026-01-31T12:00:00Z") };

for (const runtime of ["Bun", "Node"] as const) {
  const there = hasOpenssl && (runtime === "Bun" || hasNode);
  const check = testIf(there, runtime === "Bun" ? NEEDS_OPENSSL : `${NEEDS_OPENSSL} and ${NEEDS_NODE}`);

  describe(`the HTTPS client of global discovery under ${runtime}`, () => {
    let folder: Folder;
    let client: Client;
    /** `trusted` is for 127.0.0.1 and localhost, and the client has it among its authorities. */
    let [own, server, other, trusted]: Certificate[] = [];

    beforeAll(async () => {
      folder = new Folder();
      if (!there) return;
      own = selfSigned(folder, "own");
      server = selfSigned(folder, "server");
      other = selfSigned(folder, "other");
      trusted = selfSigned(folder, "trusted", "DNS:localhost");
      client = await Client.start(runtime, folder, trusted.certificateFile);
    });

    afterAll(async () => {
      // Connections were left open, without a request. They do not keep the process running.
      if (there) expect(await client.end()).toBe(0);
      folder[Symbol.dispose]();
    });

    const ask = async (url: string, timeout?: number) =>
      (await client.run({ url, lookups: [ID], ...(timeout && { timeout }) }))[0]!;

    testIf(there && Bun.which("stdiscosrv") !== null, "needs openssl, stdiscosrv and the runtime")(
      "announces to the original server and asks it",
      async () => {
        const port = await lastingPort();
        const flags = ["-cert", server!.certificateFile, "-key", server!.keyFile, "-db-dir", folder.at("db")];
        await using original = Bun.spawn(["stdiscosrv", "-listen", `127.0.0.1:${port}`, ...flags], {
          stdout: "ignore",
        });
        const url = `https://127.0.0.1:${port}/v2/?id=${server!.deviceId}`;
        await until(() => original.exitCode !== null || listens(port), "stdiscosrv to listen");
        const addresses = ["tcp://192.0.2.7:22000", "quic://192.0.2.7:22000"];
        const id = Buffer.from(own!.id).toString("hex");
        const before = Date.now();
        const [announced, found, unknown] = await client.run({
          url,
          identity: own!,
          announce: addresses,
          lookups: [id, ID],
        });
        expect(announced).toEqual({ reannounceAfter: expect.any(Number) });
        expect(announced!.reannounceAfter).toBeWithin(60, 5_401);
        expect(found!.addresses!.toSorted()).toEqual(addresses.toSorted());
        // The original rounds to seconds.
        expect(found!.seenAt).toBeWithin(before - 1_000, Date.now() + 1);
        expect(unknown).toEqual({ retryAfter: expect.any(Number) });
        expect(unknown!.retryAfter).toBeWithin(60, 3_601);
        const [refused] = await client.run({ url, identity: own!, announce: [] });
        expect(refused!.code).toBe("HTTP_400");
        expect(refused!.error).toMatch(
          /^DiscoveryError: 127.0.0.1:\d+: it refuses the announcement \(status 400\); try again in \d+ s$/,
        );
      },
    );

    check("sends no request to a server with another device ID, and says which one it has", async () => {
      await using strange = await ScriptedServer.start(other!, (socket) => socket.write(reply("200 OK", FOUND)));
      const url = strange.url(`id=${server!.deviceId}`);
      const [announced] = await client.run({ url, identity: own!, announce: ["tcp://192.0.2.7:22000"] });
      const wrong = {
        error: `DiscoveryError: 127.0.0.1:${strange.port}: it has the device ID ${other!.deviceId}, but the id in its URL is ${server!.deviceId}`,
        code: "WRONG_DEVICE_ID",
      };
      expect(await ask(url)).toEqual(wrong);
      expect(announced).toEqual(wrong);
      await until(() => strange.closed === 2, "both connections to be closed");
      expect(strange.requests).toEqual([]);
    });

    check("checks the device ID of each connection, not only of the first one", async () => {
      await using changing = await ScriptedServer.start(server!, (socket) => {
        socket.end(reply("200 OK", FOUND, ["Connection: close"]));
        changing.use(other!);
      });
      const results = await client.run({
        url: changing.url(`id=${server!.deviceId}`),
        lookups: [ID, ID, ID, ID, ID, ID],
      });
      const found = results.filter(({ addresses }) => addresses !== undefined).length;
      expect(results.filter(({ code }) => code === "WRONG_DEVICE_ID").length).toBe(6 - found);
      expect(found).toBe(changing.requests.length);
      expect(found).toBeWithin(1, 5);
    });

    check("needs neither a valid date nor a name if the device ID is right", async () => {
      const old = expired(folder, "expired");
      await using scripted = await ScriptedServer.start(old, (socket) => socket.write(reply("200 OK", FOUND)));
      expect(await ask(scripted.url(`id=${old.deviceId}`))).toEqual(FOUND_RESULT);
      expect(await ask(scripted.url(`id=${old.deviceId}`, "localhost"))).toEqual(FOUND_RESULT);
    });

    check("without id and insecure, a server must have a certificate of an authority and for its name", async () => {
      const answer = (socket: { write(text: string): void }) => void socket.write(reply("200 OK", FOUND));
      await using known = await ScriptedServer.start(trusted!, answer);
      await using strange = await ScriptedServer.start(server!, answer);
      await using old = await ScriptedServer.start(expired(folder, "old"), answer);
      expect(await ask(known.url("", "localhost"))).toEqual(FOUND_RESULT);
      const results = await Promise.all([
        ask(known.url("")),
        ask(strange.url("")),
        ask(strange.url("", "localhost")),
        ask(old.url("")),
      ]);
      expect(results.map(({ code }) => code)).toEqual(Array(4).fill("CERTIFICATE_NOT_TRUSTED"));
      expect(results.map(({ error }) => error)).toEqual([
        `DiscoveryError: 127.0.0.1:${known.port}: its certificate is not trusted (issued for another host): add id=${trusted!.deviceId} to its URL if that is its device ID, or insecure`,
        `DiscoveryError: 127.0.0.1:${strange.port}: its certificate is not trusted (self-signed): add id=${server!.deviceId} to its URL if that is its device ID, or insecure`,
        `DiscoveryError: localhost:${strange.port}: its certificate is not trusted (self-signed): add id=${server!.deviceId} to its URL if that is its device ID, or insecure`,
        expect.stringMatching(/not trusted \((self-signed|expired)\)/),
      ]);
      expect(known.requests.length).toBe(1);
      expect([...strange.requests, ...old.requests]).toEqual([]);
    });

    check("with insecure, any certificate will do", async () => {
      await using strange = await ScriptedServer.start(other!, (socket) => socket.write(reply("200 OK", FOUND)));
      expect(await ask(strange.url("insecure"))).toEqual(FOUND_RESULT);
    });

    check("speaks TLS 1.2 too", async () => {
      const answer = (socket: { write(text: string): void }) => void socket.write(reply("200 OK", FOUND));
      await using old = await ScriptedServer.start(server!, answer, { maxVersion: "TLSv1.2" });
      expect(await ask(old.url(`id=${server!.deviceId}`))).toEqual(FOUND_RESULT);
      expect((await ask(old.url(`id=${other!.deviceId}`))).code).toBe("WRONG_DEVICE_ID");
    });

    check("shows its certificate when it announces, not when it looks up", async () => {
      await using scripted = await ScriptedServer.start(server!, (socket, { line }) =>
        socket.write(
          line.startsWith("POST") ? reply("204 No Content", "", ["Reannounce-After: 1234"]) : reply("200 OK", FOUND),
        ),
      );
      const url = scripted.url(`id=${server!.deviceId}`);
      const task = { url, identity: own!, announce: ["tcp://192.0.2.7:22000"], lookups: [ID] };
      expect(await client.run(task)).toEqual([{ reannounceAfter: 1234 }, FOUND_RESULT]);
      const [announcement, lookup] = scripted.requests;
      expect([announcement!.client, lookup!.client]).toEqual([own!.deviceId, undefined]);
      expect(announcement!.line).toBe("POST /v2/ HTTP/1.1");
      expect(announcement!.text).toEndWith('\r\n\r\n{"addresses":["tcp://192.0.2.7:22000"]}');
      expect(lookup!.line).toBe(`GET /v2/?device=${formatDeviceId(Buffer.from(ID, "hex"))} HTTP/1.1`);
    });

    check("many lookups share four connections", async () => {
      await using scripted = await ScriptedServer.start(server!, (socket) => socket.write(reply("200 OK", FOUND)));
      const url = scripted.url(`id=${server!.deviceId}`);
      const results = await client.run({ url, lookups: Array(200).fill(ID), stop: "never" });
      expect(results).toEqual(Array(200).fill(FOUND_RESULT));
      expect(scripted.connections).toBeWithin(1, 5);
    });

    check("a kept connection that the server has closed meanwhile is replaced", async () => {
      await using scripted = await ScriptedServer.start(server!, (socket, { connection, nth }) => {
        if (connection === 1 && nth === 2) socket.destroy();
        else socket.write(reply("200 OK", FOUND));
      });
      const task = { url: scripted.url(`id=${server!.deviceId}`), lookups: Array(40).fill(ID) };
      expect(await client.run(task)).toEqual(Array(40).fill(FOUND_RESULT));
      expect(scripted.requests.length).toBe(41);
      expect(scripted.connections).toBeWithin(2, 6);
    });
  });
}

/** Whether something listens on a TCP port of 127.0.0.1. */
function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`:${hex} 0+:0000 0A`).test(readFileSync("/proc/net/tcp", "latin1"));
}
