import { expect } from "bun:test";
import { makeSelfSigned } from "../../../src/syncthing/directory/self-signed.ts";
import { expired } from "../../support/syncthing/certificates.ts";
import { until } from "../../support/time-limits.ts";
import { describeClient, ID } from "./runtime.ts";
import { FOUND_RESULT, finds, reply, ScriptedServer } from "./scripted-server.ts";

describeClient("the verification of discovery servers", (check) => {
  check("sends no request to a server with another device ID, and says which one it has", async (fixture) => {
    const { own, server, other } = fixture;
    await using strange = await ScriptedServer.start(other, finds);
    const url = strange.url(`id=${server.deviceId}`);
    const wrong = {
      error: `DiscoveryError: 127.0.0.1:${strange.port}: it has the device ID ${other.deviceId}, but the id in its URL is ${server.deviceId}`,
      code: "WRONG_DEVICE_ID",
    };
    expect(await fixture.ask(url)).toEqual(wrong);
    expect(await fixture.run({ url, identity: own, announce: ["tcp://192.0.2.7:22000"] })).toEqual([wrong]);
    await until(() => strange.closed === 2, "both connections to be closed");
    expect(strange.requests).toEqual([]);
  });

  check("checks the device ID of each connection, not only of the first one", async ({ run, server, other }) => {
    await using changing = await ScriptedServer.start(server, (socket, seen) => {
      changing.use(other);
      finds(socket, seen);
      socket.end();
    });
    const lookups = Array(6).fill(ID);
    const results = await run({ url: changing.url(`id=${server.deviceId}`), lookups });
    const found = results.filter(({ addresses }) => addresses !== undefined);
    // Four connections may be open before the certificate changes.
    expect(found.length).toBeWithin(1, 5);
    expect(found).toEqual(Array(found.length).fill(FOUND_RESULT));
    expect(results.filter(({ code }) => code === "WRONG_DEVICE_ID").length).toBe(6 - found.length);
  });

  check("needs neither a valid date nor a name if the device ID is right", async ({ ask, folder }) => {
    const old = expired(folder, "expired");
    await using scripted = await ScriptedServer.start(old, finds);
    expect(await ask(scripted.url(`id=${old.deviceId}`))).toEqual(FOUND_RESULT);
    expect(await ask(scripted.url(`insecure&id=${old.deviceId.toLowerCase()}`, "localhost"))).toEqual(FOUND_RESULT);
  });

  check("insecure beside an id does not switch the check of the id off", async ({ ask, server, other }) => {
    await using strange = await ScriptedServer.start(other, finds);
    const { code } = await ask(strange.url(`id=${server.deviceId}&insecure`));
    expect(code).toBe("WRONG_DEVICE_ID");
  });

  check("without id and insecure, a certificate must be by an authority and for the host", async (fixture) => {
    const { ask, server, trusted } = fixture;
    await using known = await ScriptedServer.start(trusted, finds);
    await using strange = await ScriptedServer.start(server, finds);
    expect(await ask(known.url("", "localhost"))).toEqual(FOUND_RESULT);
    const results = await Promise.all([
      ask(known.url("")),
      ask(strange.url("")),
      ask(strange.url("insecure=no", "localhost")),
    ]);
    const refusal = (host: string, why: string, id: string) => ({
      error: `DiscoveryError: ${host}: its certificate is not trusted (${why}): add id=${id} to its URL if that is its device ID, or insecure`,
      code: "CERTIFICATE_NOT_TRUSTED",
    });
    expect(results).toEqual([
      refusal(`127.0.0.1:${known.port}`, "issued for another host", trusted.deviceId),
      refusal(`127.0.0.1:${strange.port}`, "self-signed", server.deviceId),
      refusal(`localhost:${strange.port}`, "self-signed", server.deviceId),
    ]);
    await until(() => known.closed === 2 && strange.closed === 2, "all connections to be closed");
    expect(known.requests.length).toBe(1);
    expect(strange.requests).toEqual([]);
  });

  check("says that a certificate which a server of ours made is self-signed", async ({ ask, server }) => {
    const { cert, key } = makeSelfSigned("syncthing");
    await using strange = await ScriptedServer.start({ ...server, certificate: cert, key }, finds);
    const { error } = await ask(strange.url(""));
    expect(error).toMatch(/: its certificate is not trusted \(self-signed\): add id=/);
  });

  check("with insecure, any certificate will do", async ({ ask, other }) => {
    await using strange = await ScriptedServer.start(other, finds);
    expect(await ask(strange.url("insecure"))).toEqual(FOUND_RESULT);
  });

  check("holds for TLS 1.2 too", async ({ ask, server, other }) => {
    await using old = await ScriptedServer.start(server, finds, { maxVersion: "TLSv1.2" });
    expect(await ask(old.url(`id=${server.deviceId}`))).toEqual(FOUND_RESULT);
    expect((await ask(old.url(`id=${other.deviceId}`))).code).toBe("WRONG_DEVICE_ID");
    expect((await ask(old.url(""))).code).toBe("CERTIFICATE_NOT_TRUSTED");
    expect(old.requests.length).toBe(1);
  });

  check("shows the own certificate to announce, not to look up", async ({ run, own, server }) => {
    await using scripted = await ScriptedServer.start(server, (socket, seen) => {
      if (seen.line.startsWith("POST")) socket.write(reply("204 No Content"));
      else finds(socket, seen);
    });
    const url = scripted.url(`id=${server.deviceId}`);
    await run({ url, identity: own, announce: ["tcp://192.0.2.7:22000"], lookups: [ID] });
    expect(scripted.requests.map(({ client }) => client)).toEqual([own.deviceId, undefined]);
  });
});
