// `whereabouts lookup` for devices of Syncthing, at the original discovery server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { deviceJson, deviceLines } from "../../../src/cli/lookup/devices.ts";
import { lookupCommand } from "../../../src/cli/lookup.ts";
import { COLORED, PLAIN } from "../../../src/cli/terminal/style.ts";
import { DiscoveryError } from "../../../src/client/index.ts";
import { GlobalServer } from "../../../src/syncthing/global/server.ts";
import { describeCommand, run, TerminalCommand } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { helpOf } from "../../support/help.ts";
import { testIf } from "../../support/needs.ts";
import { DeadPort } from "../../support/ports.ts";
import { testRefusals } from "../../support/refusals.ts";
import { type Certificate, hasOpenssl, NEEDS_OPENSSL, selfSigned } from "../../support/syncthing/certificates.ts";
import { OriginalServer } from "../../support/syncthing/original.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../../support/syncthing/stdiscosrv.ts";
import { until } from "../../support/time-limits.ts";
import { PlainServer } from "../../syncthing/global/scripted-server.ts";

const there = hasStdiscosrv && hasOpenssl;
const check = testIf(there, `${NEEDS_STDISCOSRV}; ${NEEDS_OPENSSL}`);

const ADDRESSES = ["quic://192.0.2.7:22000", "tcp://192.0.2.7:22000"];
/** Nobody has it: the hash of no certificate. */
const NOBODY = "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA";
const SERVER = `https://192.0.2.1:8443/?id=${NOBODY}`;

let folder: Folder;
let server: OriginalServer;
let known: Certificate;

beforeAll(async () => {
  folder = new Folder();
  if (!there) return;
  known = selfSigned(folder, "known");
  server = await OriginalServer.start(selfSigned(folder, "server"));
  const announcer = new GlobalServer(server.url, known);
  await announcer.announce(ADDRESSES);
  announcer.close();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describeCommand("whereabouts lookup of devices", ({ run }) => {
  check("prints a device with an address per line, and exits with 0", async () => {
    const typed = known.deviceId.toLowerCase().replaceAll("-", "");
    const { out, err, code } = await run(["lookup", typed, "--server", server.url]);
    const [first, ...addresses] = out.split("\n");
    expect(first).toMatch(new RegExp(`^${known.deviceId}  via ${server.name}  (just now|\\d+ s ago)$`));
    expect(addresses).toEqual([...ADDRESSES.map((address) => `  ${address}`), ""]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
  });

  check("asks no server that has another device ID, says which it has, and exits with 3", async () => {
    const url = server.url.replace(/id=.*/, `id=${NOBODY}`);
    const { out, err, code } = await run(["lookup", NOBODY, "--server", url]);
    expect(out).toBe(`${NOBODY}  no server reached\n`);
    expect(err).toBe(
      `whereabouts: error: ${server.name}: it has the device ID ${server.deviceId}, but the id in its URL is ${NOBODY}\n`,
    );
    expect(code).toBe(3);
  });

  check("exits with 3 if no server listens, and has the reason in JSON beside the device ID", async () => {
    using dead = await DeadPort.open();
    const { out, err, code } = await run(["lookup", NOBODY, "--json", "--server", `https://${dead.address}`]);
    const error = `${dead.address}: no server listens there`;
    expect(JSON.parse(out)).toEqual({ deviceId: NOBODY, found: false, error });
    expect({ err, code }).toEqual({ err: `whereabouts: error: ${error}\n`, code: 3 });
  });

  check("exits with 3 if no server answers in time", async () => {
    await using silent = await PlainServer.start();
    const { out, err, code } = await run(["lookup", NOBODY, "--server", `https://${silent.host}`, "--timeout", "0.3"]);
    expect(out).toBe(`${NOBODY}  no server reached\n`);
    expect(err).toBe(`whereabouts: error: ${silent.host}: no answer within 0.3 s\n`);
    expect(code).toBe(3);
  });
});

/** Input and output, which do not depend on the runtime. */
describe("whereabouts lookup of devices", () => {
  check("reads device IDs from standard input, prints JSON, and exits with 1 if one is unknown", async () => {
    const ids = `${known.deviceId}\r\n\n${NOBODY}`;
    const { out, err, code } = await run(["lookup", "--json", "--server", server.url], ids);
    const objects = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(objects.toSorted((a, b) => Number(b.found) - Number(a.found))).toEqual([
      { deviceId: known.deviceId, found: true, addresses: ADDRESSES, via: server.name, seenAt: expect.any(Number) },
      { deviceId: NOBODY, found: false },
    ]);
    expect({ err, code }).toEqual({ err: "", code: 1 });
  });

  check("takes the server's URL from the environment", async () => {
    const env = { WHEREABOUTS_SERVER: server.url };
    expect((await run(["lookup", NOBODY], "", { env })).out).toBe(`${NOBODY}  not found\n`);
  });

  check("on a terminal colors its output", async () => {
    await using shown = new TerminalCommand(
      ["lookup", known.deviceId, "--server", server.url],
      {},
      { cols: 120, rows: 10 },
    );
    expect(await shown.child.exited).toBe(0);
    await until(() => shown.text.includes(ADDRESSES[1]!), "the addresses");
    expect(shown.text).toContain(`\x1b[1m${known.deviceId}\x1b[22m  \x1b[2mvia ${server.name}  `);
    expect(shown.text).toContain(`\r\n  \x1b[32m${ADDRESSES[0]}\x1b[39m\r\n`);
  });

  test("exits with 2 at a line that is not a device ID", async () => {
    const { out, err, code } = await run(["lookup", "--server", SERVER], "\nNODE-A\n");
    expect(err).toStartWith("whereabouts: error: line 2 is not a device ID: a device ID has 56 letters and digits");
    expect({ out, code }).toEqual({ out: "", code: 2 });
  });

  test("--help shows an example with a URL in quotes", () => {
    expect(helpOf(lookupCommand())).toContain("--server 'https://192.0.2.1:8443/?id=DEVICE-ID-OF-THE-SERVER'");
  });
});

describe("a device in the output of lookup", () => {
  const place = { deviceId: NOBODY, addresses: ADDRESSES, via: "lan", seenAt: 1_000_000 };
  const error = new DiscoveryError("192.0.2.1:443", "no server listens there (ECONNREFUSED)", { code: "ECONNREFUSED" });

  test("has the same text with and without colors", () => {
    for (const result of [{ place }, { place: undefined }, { place: undefined, error }]) {
      const [plain, colored] = [PLAIN, COLORED].map((style) =>
        deviceLines({ deviceId: NOBODY, ...result }, style, 1_012_345),
      );
      expect(colored).not.toBe(plain!);
      expect(Bun.stripANSI(colored!)).toBe(plain!);
    }
    expect(deviceLines({ deviceId: NOBODY, place }, PLAIN, 1_012_345)).toBe(
      `${NOBODY}  via lan  12 s ago\n  ${ADDRESSES[0]}\n  ${ADDRESSES[1]}`,
    );
  });

  test("is one object in JSON", () => {
    expect(deviceJson({ deviceId: NOBODY, place })).toBe(
      `{"deviceId":"${NOBODY}","found":true,"addresses":["${ADDRESSES.join('","')}"],"via":"lan","seenAt":1000000}`,
    );
    expect(deviceJson({ deviceId: NOBODY, place: undefined, error })).toBe(
      `{"deviceId":"${NOBODY}","found":false,"error":"192.0.2.1:443: no server listens there"}`,
    );
  });
});

testRefusals("lookup", [
  [
    "a device ID with a letter that is no letter of one",
    [NOBODY, `${NOBODY.slice(0, -1)}!`, "--server", SERVER],
    'argument 2 is not a device ID: character 63 of a device ID must be A to Z or 2 to 7, not "!"',
  ],
  [
    "a mistyped device ID",
    [NOBODY.replace("AA", "AB"), "--server", SERVER],
    "argument 1 is not a device ID: one of the characters 1 to 15 of the device ID is wrong",
  ],
  ["a NodeID", ["NODE-A", "--lan", "--syncthing"], "argument 1 is not a device ID: a device ID has 56 letters"],
  [
    "servers of both kinds",
    [NOBODY, "--server", `${SERVER},192.0.2.2`],
    "192.0.2.2 knows nodes, not devices of Syncthing: it cannot be asked beside 192.0.2.1:8443; use one command for",
  ],
  [
    "a server of nodes with --syncthing",
    [NOBODY, "--syncthing", "--server", "192.0.2.2"],
    "192.0.2.2 knows nodes, not devices of Syncthing: it cannot be asked with --syncthing; use one command for",
  ],
  ["no place to look", [NOBODY, "--syncthing"], "nowhere to look: give --server HOST, or --lan, or both"],
  [
    "servers that are not to be asked",
    [NOBODY, "--server", `${SERVER}&nolookup`],
    "nowhere to look: the URL of each server has the option nolookup",
  ],
  ["a group", [NOBODY, "--server", SERVER, "--group", "g"], "--group is about nodes"],
  ["an interface without the LAN", [NOBODY, "--server", SERVER, "--interface", "lo"], "--interface needs --lan"],
  ["a URL without TLS", [NOBODY, "--server", "http://192.0.2.1/"], '"http://192.0.2.1/" must begin with https://.'],
  [
    "a URL with a wrong id",
    [NOBODY, "--server", "https://192.0.2.1/?id=AB"],
    "is invalid. The id of 192.0.2.1 is wrong: a device ID has 56 letters and digits, or 52 without check characters, not 2.",
  ],
  [
    "a URL with an unknown option",
    [NOBODY, "--server", "https://192.0.2.1/?insekure"],
    'has no option "insekure": did you mean "insecure"?\n',
  ],
]);

testRefusals("announce", [
  [
    "a server of devices",
    ["--port", "1", "--server", SERVER],
    "A URL stands for a server of Syncthing's devices, which only lookup asks.\n",
  ],
]);
