// The command `whereabouts lookup` as a process that asks a server on loopback.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { IdLines } from "../../src/cli/lookup/input.ts";
import { Columns, lookupJson, NODE_IDS } from "../../src/cli/lookup/nodes.ts";
import { lookupCommand } from "../../src/cli/lookup.ts";
import { COLORED, PLAIN } from "../../src/cli/terminal/style.ts";
import { DiscoveryError } from "../../src/client/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { describeCommand, run, TerminalCommand } from "../support/command.ts";
import { helpOf } from "../support/help.ts";
import { announcement, ascii } from "../support/packets.ts";
import { DeadPort } from "../support/ports.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const LIMITS = { sourceRate: 0, nodeRate: 0, newRate: 0 };
/** More than the client asks at once. */
const MANY = 1_000;
/** As many must be asked before the first is answered. */
const AT_ONCE = 100;
const ERASE_LINE = "\r\x1b[2K";

let server: DiscoveryServer;
let at: string;

async function announce(nodeId: Uint8Array, port = 22000): Promise<void> {
  await using client = await Client.open(server.port);
  const before = server.stats().nodes;
  client.send(announcement(nodeId, port));
  await until(() => server.stats().nodes > before, "the announcement");
}

beforeAll(async () => {
  server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10, ...LIMITS });
  at = `127.0.0.1:${server.port}`;
  await announce(ascii("NODE-A"));
  await announce(ascii("A-LONGER-ONE"), 1);
  await announce(ascii("app/IN-GROUP"), 7);
});

afterAll(() => server.stop());

/** The cells of each line of the table, without the blanks between them. */
function cells(out: string): string[][] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
}

describeCommand("whereabouts lookup", ({ run, start, terminal }) => {
  test("prints a line per NodeID in columns, and exits with 0 if all were found", async () => {
    const { out, err, code } = await run(["lookup", "NODE-A", "A-LONGER-ONE", "--server", at]);
    expect(cells(out).sort()).toEqual([
      ["A-LONGER-ONE", "127.0.0.1:1", `via ${at}`, "just now"],
      ["NODE-A", "127.0.0.1:22000", `via ${at}`, "just now"],
    ]);
    for (const column of ["127.0.0.1:", "via ", "just now"]) {
      expect(
        new Set(
          out
            .trimEnd()
            .split("\n")
            .map((line) => line.indexOf(column)),
        ).size,
      ).toBe(1);
    }
    expect({ err, code }).toEqual({ err: "", code: 0 });
  });

  test("prints a JSON object per line with --json", async () => {
    const before = Date.now();
    const ids = Buffer.concat([ascii("NODE-A\nNOBODY\n"), Uint8Array.of(0xff, 0x1b)]);
    const { out, code } = await run(["lookup", "--json", "--server", at, "--timeout", "2"], ids);
    const [found, ...missing] = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(found).toEqual({
      nodeId: "NODE-A",
      nodeIdHex: "4e4f44452d41",
      found: true,
      ip: "127.0.0.1",
      port: 22000,
      via: at,
      seenAt: expect.any(Number),
    });
    expect(found.seenAt).toBeGreaterThanOrEqual(before);
    expect(missing).toEqual([
      { nodeId: "NOBODY", nodeIdHex: "4e4f424f4459", found: false },
      { nodeId: null, nodeIdHex: "ff1b", found: false },
    ]);
    expect(code).toBe(1);
  });

  test("asks several servers, by name and by address, and prints which one answered", async () => {
    await using v6 = await DiscoveryServer.start({ host: "::1", port: 0, capacity: 10, ...LIMITS });
    await using client = await Client.open(v6.port, "::1");
    client.send(announcement(ascii("SIX"), 6));
    await until(() => v6.stats().nodes === 1, "the announcement");
    const servers = ["--server", `localhost:${server.port}`, "--server", `[::1]:${v6.port}`];
    const { out, code } = await run(["lookup", "NODE-A", "SIX", ...servers]);
    expect(cells(out).sort()).toEqual([
      ["NODE-A", "127.0.0.1:22000", `via localhost:${server.port}`, "just now"],
      ["SIX", "[::1]:6", `via [::1]:${v6.port}`, "just now"],
    ]);
    expect(code).toBe(0);
  });

  test("prints nothing and exits with 0 if standard input is empty", async () => {
    expect(await run(["lookup", "-", "--server", at])).toEqual({ out: "", err: "", code: 0 });
  });

  test("answers a NodeID of standard input before the next one arrives", async () => {
    await using child = start(["lookup", "--server", at]);
    const reader = child.stdout.getReader();
    child.stdin.write("NODE-A\n");
    child.stdin.flush();
    expect(new TextDecoder().decode((await reader.read()).value)).toStartWith("NODE-A  127.0.0.1:22000 ");
    child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  test("looks up the NodeIDs of standard input in parallel, not one after the other", async () => {
    const ids = Array.from({ length: MANY }, (_, i) => `MANY-${i}`);
    const asked = new Set<string>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(socket, packet, port, address) {
          const nodeId = packet.subarray(8, 8 + packet.readUInt32BE(4));
          asked.add(nodeId.toString());
          // A client that waits for an answer before its next query gets none.
          if (asked.size >= AT_ONCE) socket.send(announcement(nodeId, 1, Uint8Array.of(192, 0, 2, 1)), port, address);
        },
        error() {},
      },
    });
    const args = ["lookup", "--server", `127.0.0.1:${socket.port}`, "--timeout", "20"];
    const { out, code } = await run(args, ids.join("\n"));
    socket.close();
    expect(new Set(cells(out).map(([id]) => id))).toEqual(new Set(ids));
    expect(code).toBe(0);
  });

  test("ends without an error if nobody reads its output any more, even while standard input is open", async () => {
    await using child = start(["lookup", "--server", at]);
    child.stdin.write("NODE-A\n");
    child.stdin.flush();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    // The pipe may be closed a little later, so one line more may still be written without an error.
    while (child.exitCode === null) {
      try {
        child.stdin.write("NODE-A\n");
        await child.stdin.flush();
      } catch (error) {
        // The command has ended meanwhile.
        expect(error).toMatchObject({ code: "EPIPE" });
      }
      await Bun.sleep(50);
    }
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("exits with 3 if no server could be reached, and says why on standard error, in JSON beside the NodeID", async () => {
    using port = await DeadPort.open();
    const [dead, nowhere] = [port.address, "x".repeat(64)];
    const one = await run(["lookup", "NODE-A", "NOBODY", "--server", dead]);
    expect(one).toEqual({
      out: "NODE-A  no server reached\nNOBODY  no server reached\n",
      err: `whereabouts: error: ${dead}: no server listens there\n`,
      code: 3,
    });
    const { out, err, code } = await run(["lookup", "--json", "NODE-A", "--server", dead, "--server", nowhere]);
    expect(JSON.parse(out)).toEqual({
      ...{ nodeId: "NODE-A", nodeIdHex: "4e4f44452d41", found: false },
      error: expect.stringContaining(`${dead}: no server listens there`),
    });
    expect(err.split("\n").sort()).toEqual([
      "",
      `whereabouts: error: ${dead}: no server listens there`,
      `whereabouts: error: ${nowhere}: the name does not resolve`,
    ]);
    expect(code).toBe(3);
  });

  test("reports in one line that its output cannot be written", async () => {
    const shell = ["sh", "-c", `"$0" "$@" >/dev/full`];
    const { err, code } = await run(["lookup", "NODE-A", "--server", at], "", { by: shell });
    expect({ err, code }).toEqual({
      err: "whereabouts: error: standard output cannot be written: the disk is full\n",
      code: 1,
    });
  });

  test("reports in one line that standard input cannot be read", async () => {
    const shell = ["sh", "-c", `"$0" "$@" </`];
    const { err, code } = await run(["lookup", "--server", at], "", { by: shell });
    expect({ err, code }).toEqual({
      err: "whereabouts: error: standard input cannot be read: it is a folder\n",
      code: 1,
    });
  });

  test("on a terminal colors its output", async () => {
    await using shown = terminal(["lookup", "NODE-A", "--server", at]);
    expect(await shown.child.exited).toBe(0);
    await until(() => shown.text.includes("just now"), "the line");
    expect(shown.text).toContain("\x1b[1mNODE-A\x1b[22m  \x1b[32m127.0.0.1:22000");
  });

  test("on a terminal shows what it waits for, and erases that before each line and at the end", async () => {
    const args = ["lookup", "NOBODY", "NODE-A", "NO-ONE", "--server", at, "--timeout", "3"];
    await using shown = terminal(args);
    // On a busy machine the status line may come before NODE-A is found, and then first tells of 3 nodes.
    const frame = () => Bun.stripANSI(shown.text.split(ERASE_LINE).at(-1)!);
    await until(() => /^[-|/\\] looking for 2 nodes, up to \d s more$/.test(frame()), "the status line");
    expect(await shown.child.exited).toBe(1);
    await until(() => shown.text.split("not found").length > 2, "the lines");
    expect(shown.text).not.toContain("looking for 0 nodes");
    // What follows the last erasing in each line is what stays on the screen.
    const lines = shown.text.trimEnd().split("\r\n");
    const screen = lines.map((line) => Bun.stripANSI(line.split(ERASE_LINE).at(-1)!)).join("\n");
    expect(cells(screen).map(([id, found]) => [id, found])).toEqual([
      ["NODE-A", "127.0.0.1:22000"],
      ["NOBODY", "not found"],
      ["NO-ONE", "not found"],
    ]);
  });

  test.each<[string, NodeJS.Signals, (shown: TerminalCommand) => void]>([
    ["Ctrl-C", "SIGINT", (shown) => void shown.terminal.write("\x03")],
    ["SIGTERM", "SIGTERM", (shown) => shown.child.kill("SIGTERM")],
  ])("on a terminal erases its status line when %s ends it", async (_, signal, end) => {
    await using shown = terminal(["lookup", "NOBODY", "--server", at]);
    await until(() => shown.text.includes("looking for"), "the status line");
    end(shown);
    await shown.child.exited;
    expect(shown.child.signalCode).toBe(signal);
    await until(() => shown.text.endsWith(ERASE_LINE), "the erased line");
  });

  test("prints no status while NodeIDs are typed on a terminal", async () => {
    await using typing = terminal(["lookup", "-", "--server", at, "--timeout", "1"]);
    typing.terminal.write("NOBODY\n");
    await until(() => typing.text.includes("not found"), "the line");
    expect(typing.text).not.toContain("looking");
  });
});

/** Text and flags, which do not depend on the runtime. */
describe("whereabouts lookup", () => {
  test("prints which were not found, after those that were found, and exits with 1", async () => {
    const { out, err, code } = await run(["lookup", "NOBODY", "NODE-A", "--server", at, "--timeout", "2"]);
    expect(cells(out)).toEqual([
      ["NODE-A", "127.0.0.1:22000", `via ${at}`, "just now"],
      ["NOBODY", "not found"],
    ]);
    expect({ err, code }).toEqual({ err: "", code: 1 });
  });

  test("tells how to look up a device ID of Syncthing that no node has, and its NodeID", async () => {
    const deviceId = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD";
    const nodeId = "MFZWI3DBONSGYYLTMRWGC43ENRQXGZDMMFZWI3DBONSGYYLTMRWA";
    const { out, err, code } = await run(["lookup", deviceId, nodeId, "--server", at, "--timeout", "0.3"]);
    expect(cells(out)).toContainEqual([deviceId, "not found"]);
    expect(err).toBe(
      `whereabouts: MFZWI3D… is a device ID of today's Syncthing: look it up with --syncthing, or at an https:// server; servers of nodes know it as ${nodeId}\n`,
    );
    expect(code).toBe(1);
  });

  test("takes its flags from the environment too", async () => {
    const env = { WHEREABOUTS_SERVER: `192.0.2.1:99999, ${at}`, WHEREABOUTS_TIMEOUT: "0.3", WHEREABOUTS_JSON: "no" };
    expect((await run(["lookup", "NOBODY"], "", { env })).err).toContain('"192.0.2.1:99999" is not a server');
    const { out, code } = await run(["lookup", "NOBODY"], "", { env: { ...env, WHEREABOUTS_SERVER: at } });
    expect({ out, code }).toEqual({ out: "NOBODY  not found\n", code: 1 });
  });

  test.each([
    ["--group", ["--group", "app"], {}],
    ["WHEREABOUTS_GROUP", [], { WHEREABOUTS_GROUP: "app" }],
  ])("looks within a group with %s, and prints NodeIDs without it", async (_, flags, env) => {
    const args = ["lookup", "IN-GROUP", "NODE-A", "--server", at, "--timeout", "2"];
    const { out, code } = await run([...args, ...flags], "", { env });
    expect(cells(out).map(([id, where]) => [id, where])).toEqual([
      ["IN-GROUP", "127.0.0.1:7"],
      ["NODE-A", "not found"],
    ]);
    expect(code).toBe(1);
  });

  test.each([
    ["with -", ["-"]],
    ["without arguments", []],
  ])(
    "reads NodeIDs from standard input %s, with CRLF, empty lines and a last line without a line feed",
    async (_, args) => {
      const { out, code } = await run(["lookup", ...args, "--server", at], "NODE-A\r\n\n\r\nNODE-A\nA-LONGER-ONE");
      expect(
        cells(out)
          .map(([id]) => id!)
          .sort(),
      ).toEqual(["A-LONGER-ONE", "NODE-A", "NODE-A"]);
      expect(code).toBe(0);
    },
  );

  test("asks through two sockets for NodeIDs that are arguments, and through one for those of standard input", async () => {
    const ports = new Set<number>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(socket, _query, port, address) {
          ports.add(port);
          socket.send(announcement(ascii("A"), 1, Uint8Array.of(192, 0, 2, 1)), port, address);
        },
        error() {},
      },
    });
    for (const [args, stdin, sockets] of [
      [["A"], "", 2],
      [["-"], "A\n", 1],
    ] as const) {
      ports.clear();
      const { err, code } = await run(["lookup", ...args, "--server", `127.0.0.1:${socket.port}`], stdin);
      expect({ err, code, sockets: ports.size }).toEqual({ err: "", code: 0, sockets });
    }
    socket.close();
  });

  test("reports once that the name of a server is unknown, asks the others, and keeps its exit code", async () => {
    // Too long for a label of a name: no resolver is asked.
    const nowhere = "x".repeat(64);
    const servers = ["--server", nowhere, "--server", at, "--timeout", "2"];
    const { out, err, code } = await run(["lookup", "NODE-A", "NOBODY", ...servers]);
    expect(cells(out).map(([id, where]) => [id, where])).toEqual([
      ["NODE-A", "127.0.0.1:22000"],
      ["NOBODY", "not found"],
    ]);
    expect(err).toBe(`whereabouts: error: ${nowhere}: the name does not resolve\n`);
    expect(code).toBe(1);
  });

  test("exits with 2 at a line that is not a NodeID, after answering those before it", async () => {
    const { out, err, code } = await run(["lookup", "--server", at], `NODE-A\n\n${"x".repeat(1009)}\nNODE-A\n`);
    expect(cells(out).map(([id]) => id)).toEqual(["NODE-A"]);
    expect({ err, code }).toEqual({
      err: "whereabouts: error: line 3 is not a NodeID: it has more than 1008 bytes\n",
      code: 2,
    });
  });

  test("names the variable if its value is wrong, and no turns a switch off", async () => {
    const lan = (text: string) => run(["lookup", "A"], "", { env: { WHEREABOUTS_LAN: text } });
    expect((await lan("perhaps")).err).toContain('WHEREABOUTS_LAN="perhaps" is invalid. It must be yes or no.');
    expect((await lan("no")).err).toContain("nowhere to look");
    expect((await lan("")).err).toContain("nowhere to look");
    const env = { WHEREABOUTS_SERVER: "a b" };
    expect((await run(["lookup", "A"], "", { env })).err).toContain('WHEREABOUTS_SERVER="a b" is invalid. "a b" is');
  });

  test("warns of unknown variables, and takes those of other commands and empty ones without a word", async () => {
    const other = { WHEREABOUTS_PORT: "22025", WHEREABOUTS_ANNOUNCE_PORT: "1", WHEREABOUTS_HEX: "no" };
    const empty = { WHEREABOUTS_TIMEOUT: "", WHEREABOUTS_JSON: "", WHEREABOUTS_SERVRE: "" };
    // Kubernetes sets such variables for a service named "whereabouts".
    const links = { WHEREABOUTS_SERVICE_HOST: "10.0.0.1", WHEREABOUTS_PORT_22025_UDP_ADDR: "10.0.0.1" };
    const env = { ...other, ...empty, ...links };
    expect(await run(["lookup", "NODE-A", "--server", at], "", { env })).toMatchObject({ err: "", code: 0 });
    const wrong = { WHEREABOUTS_SERVRE: "x", WHEREABOUTS_LOOKUP_TIMEOUT: "1", WHEREABOUTS_FROBNICATE: "1" };
    const { err, code } = await run(["lookup", "NODE-A", "--server", at], "", { env: { ...env, ...wrong } });
    expect(err.split("\n").toSorted()).toEqual([
      "",
      'whereabouts: warning: unknown variable WHEREABOUTS_FROBNICATE is ignored: "whereabouts COMMAND --help" names those of a command',
      "whereabouts: warning: unknown variable WHEREABOUTS_LOOKUP_TIMEOUT is ignored: did you mean WHEREABOUTS_TIMEOUT?",
      "whereabouts: warning: unknown variable WHEREABOUTS_SERVRE is ignored: did you mean WHEREABOUTS_SERVER?",
    ]);
    expect(code).toBe(0);
  });

  test("--help names a variable and shows an example", () => {
    const help = helpOf(lookupCommand());
    expect(help).toContain("WHEREABOUTS_SERVER");
    expect(help).toContain("whereabouts lookup NODE-A --lan --group my-app");
  });

  test("on a terminal prints no colors if NO_COLOR is set", async () => {
    await using shown = new TerminalCommand(["lookup", "NODE-A", "--server", at], { env: { NO_COLOR: "1" } });
    expect(await shown.child.exited).toBe(0);
    await until(() => shown.text.includes("just now"), "the line");
    expect(shown.text).toContain("NODE-A  127.0.0.1:22000");
    expect(shown.text).not.toContain("\x1b");
  });

  test.each([
    ["NO_COLOR is set", { NO_COLOR: "1" }],
    ["the terminal is dumb", { TERM: "dumb" }],
  ])("prints one plain status line if %s", async (_, env) => {
    await using shown = new TerminalCommand(["lookup", "NOBODY", "--server", at, "--timeout", "1.2"], { env });
    expect(await shown.child.exited).toBe(1);
    await until(() => shown.text.includes("not found"), "the line");
    expect(shown.text).toMatch(/^looking for 1 node, up to \d s more\r\nNOBODY {2}not found\r\n$/);
  });

  test("prints no status if standard error is not a terminal", async () => {
    const { err } = await run(["lookup", "NOBODY", "--server", at, "--timeout", "1"]);
    expect(err).toBe("");
  });

  test("prints no status with --json into a file", async () => {
    const by = ["sh", "-c", `"$0" "$@" >/dev/null`];
    const args = ["lookup", "NOBODY", "--json", "--server", at, "--timeout", "1"];
    await using shown = new TerminalCommand(args, { by });
    expect(await shown.child.exited).toBe(1);
    expect(shown.text).toBe("");
  });
});

describe("a line of a lookup", () => {
  const address = { ip: "2001:db8::1", port: 22000, via: "lan", seenAt: 1_000_000 };
  const columns = async (ids: Uint8Array[], style = PLAIN) => {
    const made = new Columns(["192.0.2.1"], style);
    await Array.fromAsync(made.widenFor(ids));
    return made;
  };

  test("has columns as wide as the known NodeIDs, with or without colors", async () => {
    const [id, longer] = [ascii("A"), ascii("LONGER")];
    const plain = await columns([id, longer]);
    expect(plain.line({ nodeId: id, address }, 1_012_345)).toBe(
      "A       [2001:db8::1]:22000    via lan        12 s ago",
    );
    expect(plain.line({ nodeId: longer, address: undefined }, 0)).toBe("LONGER  not found");
    const colored = await columns([id, longer], COLORED);
    expect(Bun.stripANSI(colored.line({ nodeId: id, address }, 1_012_345))).toBe(
      plain.line({ nodeId: id, address }, 1_012_345),
    );
  });

  test("says if no server could be reached, in JSON why", async () => {
    const nodeId = ascii("A");
    const error = new DiscoveryError("192.0.2.1", "recvmsg ECONNREFUSED", { code: "ECONNREFUSED" });
    const result = { nodeId, address: undefined, error };
    expect((await columns([nodeId])).line(result, 0)).toBe("A  no server reached");
    expect(lookupJson(result)).toBe(
      '{"nodeId":"A","nodeIdHex":"41","found":false,"error":"192.0.2.1: nothing listens on that port"}',
    );
  });

  test("is padded by the width of characters on a terminal", async () => {
    const [wide, narrow] = [ascii("日本"), ascii("nihon")];
    const plain = await columns([wide, narrow]);
    expect(plain.line({ nodeId: wide, address: undefined }, 0)).toBe("日本   not found");
  });

  test("has no control characters of a NodeID", async () => {
    const nodeId = ascii("\x1b[2J\u202e");
    const line = (await columns([nodeId])).line({ nodeId, address }, 0);
    expect(line).toStartWith("0x1b5b324ae280ae  ");
    expect(lookupJson({ nodeId, address: undefined })).toBe(
      '{"nodeId":null,"nodeIdHex":"1b5b324ae280ae","found":false}',
    );
  });

  test("of a very long NodeID does not widen the column of the others", async () => {
    const plain = await columns([ascii("x".repeat(500)), ascii("A")]);
    expect(plain.line({ nodeId: ascii("A"), address: undefined }, 0)).toBe("A  not found");
  });
});

describe("NodeIDs from lines", () => {
  async function read(...chunks: (string | Uint8Array)[]) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? ascii(chunk) : chunk);
        controller.close();
      },
    });
    const lines = new IdLines(NODE_IDS);
    const ids = await Array.fromAsync(lines.read(stream));
    return { ids: ids.map((id) => Buffer.from(id).toString("latin1")), wrong: lines.wrong };
  }

  test("do not depend on how the stream is cut into chunks", async () => {
    expect(await read("AB\r", "\nC", "D", "E\n\n", "", "F\n", "G\r")).toEqual({
      ids: ["AB", "CDE", "F", "G"],
      wrong: undefined,
    });
  });

  test("are bytes, not text", async () => {
    expect((await read(Uint8Array.of(0xff, 0xc3, 10, 0, 10))).ids).toEqual(["\xff\xc3", "\0"]);
  });

  test("may have 1008 bytes and a carriage return, also across chunks", async () => {
    const longest = "x".repeat(1008);
    expect(await read(`${longest}\r\n${longest}`, "\r", "\n")).toEqual({ ids: [longest, longest], wrong: undefined });
  });

  test("end at an endless line before it fills the memory", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(4096));
      },
    });
    const lines = new IdLines(NODE_IDS);
    expect(await Array.fromAsync(lines.read(endless))).toEqual([]);
    expect(lines.wrong).toBe("line 1 is not a NodeID: it has more than 1008 bytes");
  });
});

testRefusals("lookup", [
  ["no place to look", ["NODE-A"], "nowhere to look: give --server HOST, or --lan, or both"],
  ["an empty NodeID", ["", "--server", "x"], "argument 1 is not a NodeID"],
  ["a NodeID that fits into no packet", ["A", "x".repeat(1009), "--server", "x"], "argument 2 is not a NodeID"],
  ["- among others", ["A", "-", "--server", "x"], '"-" must be the only argument'],
  ["an interface without the LAN", ["A", "--server", "127.0.0.1", "--interface", "lo"], "--interface needs --lan"],
  [
    "a group with a slash",
    ["A", "--server", "127.0.0.1", "--group", "a/b"],
    '--group must have 1 to 31 bytes and no "/"',
  ],
  [
    "a NodeID that is too long with its group",
    ["x".repeat(1007), "--server", "127.0.0.1", "--group", "g"],
    "a NodeID with its group must have 1 to 1008 bytes, not 1009",
  ],
  ["a wrong port", ["A", "--server", "x:70000"], '"x:70000" is not a server: write host, host:port or [v6]:port'],
  ["a bracket too few", ["A", "--server", "[::1"], '"[::1" is not a server'],
  ["an empty server", ["A", "--server", "x,"], '"" is not a server'],
  ["no time at all", ["A", "--server", "x", "--timeout", "0"], "number of seconds from 0.1 to 86400"],
  ["another notation", ["A", "--server", "x", "--timeout", "1e3"], "number of seconds"],
  ["an unknown flag", ["A", "--frobnicate"], "unknown option '--frobnicate'"],
]);
