// The command `whereabouts announce` as a process that announces to servers on loopback. For the LAN see watch.test.ts.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { announceCommand, jsonFormat, textFormat } from "../../src/cli/announce.ts";
import { DiscoveryError } from "../../src/client/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { describeCommand, OutputLines, run, start } from "../support/command.ts";
import { helpOf } from "../support/help.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { DeadPort } from "../support/ports.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 {2}/;

function startServer(host = "127.0.0.1"): Promise<DiscoveryServer> {
  return DiscoveryServer.start({ host, port: 0, capacity: 100 });
}

/** No test here uses --lan: it would announce on the network of the machine. */
const TO = ["--id", "A", "--port", "1", "--server", "127.0.0.1"];

describeCommand("whereabouts announce", ({ start }) => {
  let server: DiscoveryServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`announces, prints what it sent where, and exits with 0 after ${signal}, which may arrive twice`, async () => {
      await using client = await Client.open(server.port);
      const id = `Ä-${signal}`;
      await using child = start(["announce", "--id", id, "--port", "22000", "--server", `localhost:${server.port}`]);
      const printed = new OutputLines(child.stdout);
      await printed.next(/ {2}confirmed {2}localhost/);
      const reply = announcement(ascii(id), 22000, Uint8Array.of(127, 0, 0, 1));
      expect(await client.ask(query(ascii(id)))).toEqual(reply);
      child.kill(signal);
      child.kill(signal);
      expect(await child.exited).toBe(0);
      await printed.end;
      for (const line of printed.lines) expect(line).toMatch(TIME);
      // It announces again if the server does not answer within 250 ms, as on a busy machine.
      const lines = new Set(printed.lines.map((line) => line.replace(TIME, "").replace(/ {2,}/g, "  ")));
      expect([...lines]).toEqual([
        `announcing ${id}, port 22000, to localhost:${server.port} until Ctrl-C`,
        `sent  localhost:${server.port}  127.0.0.1:${server.port}  28 bytes`,
        `confirmed  localhost:${server.port}  127.0.0.1:${server.port}  the server sees it as 127.0.0.1:22000`,
        `stopped by ${signal}`,
      ]);
      expect(await child.stderr.text()).toBe("");
    });
  }

  test("prints errors of one server on standard error, and announces to the others", async () => {
    await using server = await startServer("::1");
    using port = await DeadPort.open();
    // Too long for a label of a name: no resolver is asked.
    const [dead, nowhere] = [port.address, "x".repeat(64)];
    const servers = [dead, nowhere, `[::1]:${server.port}`].flatMap((where) => ["--server", where]);
    await using child = start(["announce", "--id", "A", "--port", "1", ...servers]);
    const [printed, wrong] = [new OutputLines(child.stdout), new OutputLines(child.stderr)];
    await until(() => server.stats().nodes === 1, "the announcement");
    await printed.next(/ {2}sent {7}\[::1\]:\d+ /);
    const isTold = (where: string) => wrong.lines.some((line) => line.includes(where));
    await until(() => isTold(dead) && isTold(nowhere), "the errors");
    child.kill();
    expect(await child.exited).toBe(0);
    await Promise.all([printed.end, wrong.end]);
    for (const where of [dead, nowhere]) {
      const line = wrong.lines.find((line) => line.includes(where))!;
      expect(line).toMatch(TIME);
      expect(line.replace(TIME, "")).toStartWith(`error      ${where}: `);
      expect(printed.lines.filter((line) => line.includes(`confirmed  ${where}`))).toEqual([]);
    }
  });

  test("keeps running if nobody reads its output any more", async () => {
    const before = server.stats().verdicts.answered;
    await using child = start(["announce", "--id", "A", "--port", "1", "--server", `127.0.0.1:${server.port}`]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => server.stats().verdicts.answered > before, "the question whether it is announced");
    await Bun.sleep(700); // "sent" and "confirmed" are printed meanwhile.
    expect(child.exitCode).toBeNull();
    child.kill();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("prints a JSON object per line with --json: started, sent, error and stopped", async () => {
    using port = await DeadPort.open();
    const [dead, nowhere, good] = [port.address, "x".repeat(64), `127.0.0.1:${server.port}`];
    const servers = [dead, nowhere, good];
    const before = Date.now();
    await using child = start([
      ...["announce", "--json", "--id", "A", "--port", "1"],
      ...servers.flatMap((where) => ["--server", where]),
    ]);
    const printed = new OutputLines(child.stdout);
    await printed.next(/"started"/);
    const isTold = (where: string) => printed.lines.some((line) => line.includes(`"error","where":"${where}"`));
    await until(() => isTold(dead) && isTold(nowhere), "two errors");
    await until(() => printed.lines.some((line) => line.includes('"confirmed"')), "the confirmation");
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    await printed.end;
    const objects = printed.lines.map((line) => JSON.parse(line));
    for (const object of objects) expect(object.at).toBeGreaterThanOrEqual(before);
    const at = expect.any(Number);
    expect(objects[0]).toEqual({
      ...{ type: "started", nodeId: "A", nodeIdHex: "41", group: null, port: 1, servers, lan: false, at },
    });
    expect(objects).toContainEqual({ type: "sent", where: good, address: good, bytes: expect.any(Number), at });
    const confirmed = { type: "confirmed", where: good, address: good, ip: "127.0.0.1", port: 1, at };
    expect(objects).toContainEqual(confirmed);
    expect(objects).toContainEqual({
      ...{ type: "error", where: dead, code: "ECONNREFUSED", message: "no server listens there", at },
    });
    expect(objects).toContainEqual({
      ...{ type: "error", where: nowhere, code: expect.any(String), message: "the name does not resolve", at },
    });
    expect(objects.at(-1)).toEqual({ type: "stopped", signal: "SIGINT", at });
    expect(await child.stderr.text()).toBe("");
  });
});

/** Flags, texts and the NodeID, which do not depend on the runtime. */
describe("whereabouts announce", () => {
  let server: DiscoveryServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test("reports on standard error that a server does not confirm the node, and does not say that it is announced", async () => {
    // Longer than the server allows.
    const id = "x".repeat(65);
    await using child = start(["announce", "--id", id, "--port", "1", "--server", `127.0.0.1:${server.port}`]);
    const [printed, wrong] = [new OutputLines(child.stdout), new OutputLines(child.stderr)];
    expect(await wrong.next(/ {2}error {6}127\.0\.0\.1/)).toContain("it does not answer");
    child.kill();
    expect(await child.exited).toBe(0);
    await printed.end;
    expect(printed.lines[0]).toContain("  announcing ");
    expect(printed.lines.join("\n")).not.toContain("confirmed");
  });

  test("takes its flags from the environment too, and a flag wins", async () => {
    await using client = await Client.open(server.port);
    const env = {
      WHEREABOUTS_ID: "FROM-ENV",
      WHEREABOUTS_ANNOUNCE_PORT: "1",
      WHEREABOUTS_SERVER: `127.0.0.1:${server.port}`,
      WHEREABOUTS_LAN: "no",
    };
    for (const [args, port] of [
      [["--port", "2"], 2],
      [[], 1],
    ] as const) {
      await using child = start(["announce", ...args], { env });
      await new OutputLines(child.stdout).next(/ {2}confirmed/);
      const reply = announcement(ascii("FROM-ENV"), port, Uint8Array.of(127, 0, 0, 1));
      expect(await client.ask(query(ascii("FROM-ENV")))).toEqual(reply);
      child.kill();
      expect(await child.exited).toBe(0);
    }
  });

  test("takes a random NodeID if none is given, and prints it", async () => {
    await using client = await Client.open(server.port);
    const ids = new Set<string>();
    for (const json of [false, true]) {
      const args = ["announce", "--port", "22000", "--server", `127.0.0.1:${server.port}`];
      await using child = start(json ? [...args, "--json"] : args);
      const printed = new OutputLines(child.stdout);
      const first = await printed.next(/./);
      const id = json ? JSON.parse(first).nodeId : /announcing (\w{16}), port 22000, to /.exec(first)![1]!;
      await printed.next(/confirmed/);
      const reply = announcement(ascii(id), 22000, Uint8Array.of(127, 0, 0, 1));
      expect(await client.ask(query(ascii(id)))).toEqual(reply);
      ids.add(id);
      child.kill();
    }
    expect(ids.size).toBe(2);
  });

  test.each([
    ["--group", 1, ["--group", "app"], {}],
    ["WHEREABOUTS_GROUP", 2, [], { WHEREABOUTS_GROUP: "app" }],
  ])(
    "announces within a group with %s, and prints the group and the NodeID without it",
    async (_, port, flags, env) => {
      await using client = await Client.open(server.port);
      const args = ["announce", "--id", "A", "--port", `${port}`, "--server", `127.0.0.1:${server.port}`, ...flags];
      await using child = start(args, { env });
      const printed = new OutputLines(child.stdout);
      expect(await printed.next(/./)).toContain(`  announcing A of the group app, port ${port}, to `);
      await using json = start([...args, "--json"], { env });
      expect(JSON.parse(await new OutputLines(json.stdout).next(/./))).toMatchObject({ nodeId: "A", group: "app" });
      await printed.next(/ {2}confirmed/);
      const reply = announcement(ascii("app/A"), port, Uint8Array.of(127, 0, 0, 1));
      expect(await client.ask(query(ascii("app/A")))).toEqual(reply);
      child.kill();
      json.kill();
    },
  );

  test("ignores WHEREABOUTS_INTERFACE without --lan: it may be meant for another command", async () => {
    const args = ["announce", "--port", "1", "--server", `127.0.0.1:${server.port}`];
    await using child = start(args, { env: { WHEREABOUTS_INTERFACE: "nope" } });
    await new OutputLines(child.stdout).next(/sent/);
    child.kill();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("does not take the server's WHEREABOUTS_PORT for the port of the node", async () => {
    const env = { WHEREABOUTS_PORT: "22025", WHEREABOUTS_ID: "A", WHEREABOUTS_SERVER: "127.0.0.1" };
    const { err, code } = await run(["announce"], "", { env });
    expect(err).toContain("required option '--port <port>' not specified");
    expect(code).toBe(2);
    const wrong = await run(["announce"], "", { env: { ...env, WHEREABOUTS_ANNOUNCE_PORT: "0" } });
    expect(wrong.err).toBe(
      'whereabouts: error: WHEREABOUTS_ANNOUNCE_PORT="0" is invalid. It must be a whole number from 1 to 65535.\n',
    );
  });

  test("--help names a variable and shows an example of each output", () => {
    const help = helpOf(announceCommand());
    expect(help).toContain("WHEREABOUTS_ID");
    expect(help).toContain("WHEREABOUTS_ANNOUNCE_PORT");
    expect(help).toContain("whereabouts announce --port 22000 --lan --group my-app");
    expect(help).toContain('{"type":"sent",');
  });
});

describe("a line of announce", () => {
  const sent = { where: "192.0.2.1", address: "192.0.2.1:22025", bytes: 24 };
  const confirmed = { where: "192.0.2.1", address: "192.0.2.1:22025", ip: "2001:db8::7", port: 22000 };
  const error = new DiscoveryError("192.0.2.1", "recvmsg ECONNREFUSED", { code: "ECONNREFUSED" });

  test("has its columns below those of the others", () => {
    const format = textFormat(["192.0.2.1"]);
    const lines = [format.sent(sent), format.confirmed(confirmed), format.error(error)];
    expect(lines.map((line) => line.slice("2026-01-31T12:00:00+01:00".length))).toEqual([
      "  sent       192.0.2.1  192.0.2.1:22025        24 bytes",
      "  confirmed  192.0.2.1  192.0.2.1:22025        the server sees it as [2001:db8::7]:22000",
      "  error      192.0.2.1: nothing listens on that port",
    ]);
  });

  test("has the same in JSON", () => {
    const format = jsonFormat();
    const at = expect.any(Number);
    expect(JSON.parse(format.confirmed(confirmed))).toEqual({ type: "confirmed", ...confirmed, at });
    const message = "nothing listens on that port";
    expect(JSON.parse(format.error(error))).toEqual({
      ...{ type: "error", where: "192.0.2.1", code: "ECONNREFUSED", message, at },
    });
  });
});

testRefusals("announce", [
  ["an empty NodeID", ["--id", "", "--port", "1", "--server", "127.0.0.1"], "A NodeID has 1 to 1008 bytes, not 0"],
  [
    "a long NodeID",
    ["--id", "x".repeat(1009), "--port", "1", "--server", "127.0.0.1"],
    "A NodeID has 1 to 1008 bytes, not 1009",
  ],
  ["no port", ["--id", "A", "--server", "127.0.0.1"], "required option '--port <port>' not specified"],
  ["port 0", ["--id", "A", "--port", "0", "--server", "127.0.0.1"], "whole number from 1 to 65535"],
  ["no place", ["--id", "A", "--port", "1"], "nowhere to announce: give --server HOST, or --lan, or both"],
  ["a group with a slash", [...TO, "--group", "a/b"], '--group must have 1 to 31 bytes and no "/"'],
  ["an empty group", [...TO, "--group", ""], "--group must have 1 to 31 bytes"],
  [
    "a NodeID that is too long with its group",
    ["--id", "x".repeat(1007), "--port", "1", "--server", "127.0.0.1", "--group", "g"],
    "a NodeID with its group must have 1 to 1008 bytes, not 1009",
  ],
  ["an empty name of an interface", ["--port", "1", "--lan", "--interface", "eth0,"], "such as eth0"],
  ["an interface without the LAN", [...TO, "--interface", "lo"], "--interface needs --lan"],
  ["a wrong server", ["--id", "A", "--port", "1", "--server", "a b"], '"a b" is not a server'],
  ["a word too many", ["--id", "A", "--port", "1", "--server", "127.0.0.1", "extra"], "too many arguments"],
]);
