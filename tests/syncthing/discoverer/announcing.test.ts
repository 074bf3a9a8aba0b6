// Announcements to servers, and devices that find each other through them, under Bun and under Node.
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { DiscoveryError } from "../../../src/client/index.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { DeviceAnnouncer } from "../../../src/syncthing/discoverer/announcer.ts";
import { GlobalServerError } from "../../../src/syncthing/global/error.ts";
import type { GlobalServer } from "../../../src/syncthing/global/server.ts";
import { type DeviceAnnounced, SyncthingDiscoverer } from "../../../src/syncthing/index.ts";
import { program } from "../../client/lan/agents.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { hasNode, NEEDS_NODE } from "../../support/node.ts";
import { type Certificate, hasOpenssl, NEEDS_OPENSSL, selfSigned } from "../../support/syncthing/certificates.ts";
import { OriginalServer } from "../../support/syncthing/original.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../../support/syncthing/stdiscosrv.ts";
import { finds, reply, ScriptedServer } from "../global/scripted-server.ts";
import { Device } from "../local/devices.ts";

const ADDRESSES = ["tcp://:22000", "quic://192.0.2.7:22000"];
const TAKEN = reply("204 No Content", "", ["Reannounce-After: 600"]);

const folder = new Folder();
let own: Certificate;
let other: Certificate;
beforeAll(() => {
  if (!hasOpenssl) return;
  own = selfSigned(folder, "own");
  other = selfSigned(folder, "other");
});
afterAll(() => folder[Symbol.dispose]());
const openssl = testIf(hasOpenssl, NEEDS_OPENSSL);

function announcing(servers: readonly string[], timings = {}): Promise<SyncthingDiscoverer> {
  const { certificate, key } = own;
  return SyncthingDiscoverer.start({ certificate, key, addresses: ADDRESSES, servers, timings, lan: false });
}

openssl(
  "a discoverer announces its addresses at once, with its certificate, but not to a server with noannounce",
  async () => {
    await using server = await ScriptedServer.start(other, (socket) => void socket.write(TAKEN));
    await using silent = await ScriptedServer.start(other, finds);
    const url = server.url(`id=${other.deviceId}`);
    await using discoverer = await announcing([url, silent.url("insecure&noannounce")]);
    const announced = await new Promise<DeviceAnnounced>((resolve) => discoverer.on("announced", resolve));
    expect(announced).toEqual({ where: `127.0.0.1:${server.port}`, address: url });
    const [request] = server.requests;
    expect(request?.line).toBe("POST /v2/ HTTP/1.1");
    expect(request?.client).toBe(own.deviceId);
    expect(request?.text).toEndWith(`\r\n\r\n${JSON.stringify({ addresses: ADDRESSES })}`);
    await discoverer.announce();
    expect(server.requests.length).toBe(2);
    expect(discoverer.stats().servers[announced.where]).toMatchObject({ announcements: 2, failures: 0 });
    expect(silent.connections).toBe(0);
  },
);

openssl("an announcement that fails is reported and tried again", async () => {
  let requests = 0;
  await using server = await ScriptedServer.start(other, (socket) => {
    socket.write(++requests < 3 ? reply("500 Internal Server Error") : TAKEN);
  });
  await using discoverer = await announcing([server.url("insecure")], { retry: 5 });
  const errors: (string | undefined)[] = [];
  discoverer.on("error", ({ code }) => errors.push(code));
  await new Promise((resolve) => discoverer.on("announced", resolve));
  expect(errors).toEqual(["HTTP_500", "HTTP_500"]);
  expect(discoverer.stats().servers[`127.0.0.1:${server.port}`]).toMatchObject({ announcements: 1, failures: 2 });
});

openssl("a discoverer without addresses announces nothing", async () => {
  await using server = await ScriptedServer.start(other, finds);
  const { certificate, key } = own;
  await using discoverer = await SyncthingDiscoverer.start({
    certificate,
    key,
    servers: [server.url("insecure")],
    lan: false,
  });
  await discoverer.announce();
  expect(server.connections).toBe(0);
});

/** The waits that an announcer sets its timer to, in ms, after answers of a server. `undefined`: its addresses have changed. */
async function waits(...answers: (number | Error | undefined)[]): Promise<number[]> {
  const set: number[] = [];
  const timers = spyOn(globalThis, "setTimeout").mockImplementation(((_run: unknown, ms: number) => {
    set.push(ms);
    return { unref: () => undefined };
  }) as never);
  let next: number | Error | undefined;
  const server = {
    async announce() {
      if (next instanceof Error) throw next;
      return { reannounceAfter: next };
    },
  } as unknown as GlobalServer;
  const announcer = new DeviceAnnouncer({
    server,
    addresses: ADDRESSES,
    retry: 60_000,
    onAnnounced() {},
    onError() {},
  });
  try {
    for (const answer of answers) {
      next = answer;
      if (answer === undefined) announcer.changed();
      else await announcer.announce();
    }
  } finally {
    announcer.close();
    timers.mockRestore();
  }
  return set;
}

test("the next announcement is when the server wants it, or up to a tenth earlier", async () => {
  const set = await waits(...Array(50).fill(1_800));
  expect(set.length).toBe(50);
  expect(Math.min(...set)).toBeGreaterThanOrEqual(1_620_000);
  expect(Math.max(...set)).toBeLessThanOrEqual(1_800_000);
  expect(new Set(set).size).toBeGreaterThan(1);
});

test("after a failure it is a minute later, or as the server wants it, and up to a tenth later", async () => {
  const [unsaid, said] = await waits(
    new DiscoveryError("server", "down"),
    new GlobalServerError("server", "busy", { retryAfter: 300 }),
  );
  expect(unsaid).toBeGreaterThanOrEqual(60_000);
  expect(unsaid).toBeLessThanOrEqual(66_000);
  expect(said).toBeGreaterThanOrEqual(300_000);
  expect(said).toBeLessThanOrEqual(330_000);
});

test("after a change of the own addresses it is soon, but not before the first announcement", async () => {
  expect(await waits(undefined)).toEqual([]);
  expect((await waits(1_800, undefined))[1]).toBe(2_000);
});

interface Started extends AsyncDisposable {
  readonly url: string;
}

async function ours(): Promise<Started> {
  const files = { httpsCert: other.certificateFile, httpsKey: other.keyFile };
  const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, https: "127.0.0.1:0", ...files });
  return { url: server.https!.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

for (const runtime of ["bun", "node"] as const) {
  for (const [name, start, there] of [
    ["Whereabouts", ours, hasOpenssl],
    ["stdiscosrv", () => OriginalServer.start(other), hasStdiscosrv],
  ] as const) {
    const reason = [NEEDS_OPENSSL, ...(there ? [] : [NEEDS_STDISCOSRV]), NEEDS_NODE].join("; ");
    testIf(hasOpenssl && there && (runtime === "bun" || hasNode), reason)(
      `[${runtime}] a device that was announced to ${name} is found there`,
      async () => {
        await using server: Started = await start();
        const { certificate, key, deviceId } = own;
        const agent = new URL("../local/agent.ts", import.meta.url);
        const options = { certificate, key, addresses: ADDRESSES, servers: [server.url], lan: false };
        await using device = new Device([...(await program(agent, runtime)), JSON.stringify(options)]);
        await device.ready();
        const { where } = await device.first("announced");
        device.order({ do: "lookup", deviceId });
        const { found } = await device.first("result");
        expect(found).toEqual({
          deviceId,
          // The server leaves out loopback, which the own address is here.
          addresses: ["quic://192.0.2.7:22000"],
          via: where,
          seenAt: expect.any(Number),
        });
        expect(Math.abs(found!.seenAt - Date.now())).toBeLessThan(60_000);
      },
    );
  }
}
