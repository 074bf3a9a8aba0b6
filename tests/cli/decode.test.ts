// The command `whereabouts decode` as a process: its input, output and exit codes.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { decodeCommand } from "../../src/cli/decode.ts";
import { describeCommand, run as runCommand } from "../support/command.ts";
import { helpOf } from "../support/help.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ROOT = join(import.meta.dir, "../..");
/** The command in a program that can break WebAssembly before. */
const PROGRAM = `
  import { Command } from "commander";
  import { decodeCommand } from "./src/cli/decode.ts";
  await new Command().addCommand(decodeCommand()).parseAsync(["decode", ...process.argv.slice(1)], { from: "user" });`;

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WHEREABOUTS_")));

const ANNOUNCEMENT = hex(announcement(ascii("NODE"), 22000, Uint8Array.of(192, 168, 0, 34)));
const ANNOUNCED =
  '{"ok":true,"type":"announcement","nodeId":"NODE","nodeIdHex":"4e4f4445","ip":"192.168.0.34","port":22000}\n';
const ANNOUNCED_HEX = '{"ok":true,"type":"announcement","nodeId":"4e4f4445","port":22000,"ip":"c0a80022"}\n';
const QUERY = hex(query(ascii("NODE")));
const ASKED = '{"ok":true,"type":"query","nodeId":"NODE","nodeIdHex":"4e4f4445"}\n';
const ASKED_HEX = '{"ok":true,"type":"query","nodeId":"4e4f4445"}\n';
const SHORT = '{"ok":false,"error":"short","offset":0}\n';

const BAD = ["", "deadbeef", "2012102555f00001", "1976030900000005", "2012102555f000000000000000000005", `${QUERY}00`];
const ERRORS = ["short", "bad-magic", "bad-reserved", "bad-id-length", "bad-ip-length", "trailing"];

describeCommand("whereabouts decode", (command) => {
  const start = (args: readonly string[]) => command.start(["decode", ...args]);
  const run = (args: readonly string[], stdin?: string) => command.run(["decode", ...args], stdin);

  test("prints a line of JSON for each argument, valid or not, and exits with 0", async () => {
    const offsets = [0, 0, 6, 4, 12, 12];
    expect(await run([ANNOUNCEMENT, QUERY.toUpperCase(), ...BAD])).toEqual({
      out:
        ANNOUNCED +
        ASKED +
        ERRORS.map((error, i) => `{"ok":false,"error":"${error}","offset":${offsets[i]}}\n`).join(""),
      err: "",
      code: 0,
    });
  });

  test("reads a packet a line from standard input without arguments", async () => {
    expect(await run([], `${ANNOUNCEMENT}\n${QUERY}\n`)).toEqual({ out: ANNOUNCED + ASKED, err: "", code: 0 });
  });

  test.each(["wasm", "ts"])("decodes with --codec %s", async (backend) => {
    expect(await run(["--codec", backend, QUERY])).toEqual({ out: ASKED, err: "", code: 0 });
  });

  test("prints each packet of standard input before the next one arrives", async () => {
    await using child = start(["-"]);
    const reader = child.stdout.getReader();
    for (const [line, printed] of [
      [QUERY, ASKED],
      [ANNOUNCEMENT, ANNOUNCED],
    ] as const) {
      child.stdin.write(`${line}\n`);
      await child.stdin.flush();
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(printed);
    }
    child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  test("ends at a wrong line even where standard input stays open", async () => {
    await using child = start(["-"]);
    child.stdin.write("zz\n");
    await child.stdin.flush();
    expect(await child.exited).toBe(2);
    child.stdin.end();
  });

  test("joins lines that arrive in pieces", async () => {
    await using child = start(["-"]);
    for (const piece of [QUERY.slice(0, 5), QUERY.slice(5), "\r", "\n\n", QUERY]) {
      child.stdin.write(piece);
      await child.stdin.flush();
      await Bun.sleep(20);
    }
    child.stdin.end();
    expect(await child.stdout.text()).toBe(ASKED + SHORT + ASKED);
  });

  test("keeps a long input in order, to the last line, for a reader that is slow to start", async () => {
    const count = 10_000;
    const lines = Array.from({ length: count }, (_, i) => hex(announcement(ascii(`NODE ${i}`), i)));
    const slow = ["sh", "-c", `"$0" "$@" | { sleep 0.3; cat; }`];
    const { out: text } = await command.run(["decode", "-"], `${lines.join("\n")}\n`, { by: slow });
    const out = text.trimEnd().split("\n");
    expect(out.length).toBe(count);
    const wrong = out.findIndex((line, i) => JSON.parse(line).nodeId !== `NODE ${i}`);
    expect(wrong).toBe(-1);
  });

  test("ends quietly when nobody reads on", () => {
    const shell = `yes ${QUERY} | { "$0" "$1" decode - ; echo "exit $?" >&2; } | head -n 1`;
    const { stdout, stderr } = Bun.spawnSync(["sh", "-c", shell, ...command.argv()], { cwd: ROOT, env });
    expect(stdout.toString()).toBe(ASKED);
    expect(stderr.toString()).toBe("exit 0\n");
  });

  test.each([
    ["standard input is a folder", "- < .", "standard input cannot be read: it is a folder"],
    ["the disk is full", `${QUERY} > /dev/full`, "standard output cannot be written: the disk is full"],
  ])("reports in one line that %s, and exits with 1", (_, rest, message) => {
    const shell = ["sh", "-c", `exec "$0" "$1" decode ${rest}`, ...command.argv()];
    const { stdout, stderr, exitCode } = Bun.spawnSync(shell, { cwd: ROOT, env });
    expect(stdout.toString()).toBe("");
    expect(stderr.toString()).toBe(`whereabouts: error: ${message}\n`);
    expect(exitCode).toBe(1);
  });
});

/** Text and flags, which do not depend on the runtime. */
describe("whereabouts decode", () => {
  const run = (args: readonly string[], stdin?: string | Uint8Array, env: Record<string, string> = {}) =>
    runCommand(["decode", ...args], stdin, { env });

  test.each([
    ["--hex", ["--hex"], {}],
    ["WHEREABOUTS_HEX", [], { WHEREABOUTS_HEX: "yes" }],
  ])("prints NodeIDs and IPs in hex only with %s", async (_, flags, more) => {
    expect(await run([...flags, ANNOUNCEMENT, QUERY, ...BAD], "", more)).toEqual({
      out: ANNOUNCED_HEX + ASKED_HEX + ERRORS.map((error) => `{"ok":false,"error":"${error}"}\n`).join(""),
      err: "",
      code: 0,
    });
  });

  test("prints an empty NodeID and an empty IP as null, or as empty hex", async () => {
    const packet = hex(announcement(new Uint8Array(0), 0));
    expect((await run([packet])).out).toBe(
      '{"ok":true,"type":"announcement","nodeId":null,"nodeIdHex":"","ip":null,"port":0}\n',
    );
    expect((await run(["--hex", packet])).out).toBe('{"ok":true,"type":"announcement","nodeId":"","port":0,"ip":""}\n');
  });

  test("prints IPv6 as text, and a NodeID that is not printable as null", async () => {
    const ip = Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const { out } = await run([hex(announcement(Uint8Array.of(0x1b), 1, ip))]);
    expect(out).toBe('{"ok":true,"type":"announcement","nodeId":null,"nodeIdHex":"1b","ip":"2001:db8::1","port":1}\n');
  });

  test("takes hex with spaces, tabs, colons and 0x between bytes or groups, and in upper case", async () => {
    const texts = [
      QUERY.replace(/../g, "$& "),
      ` \t${QUERY.replace(/.{4}/g, "$& ")} `,
      QUERY.replace(/..(?=.)/g, "$&:"),
      `0x${QUERY}`,
      QUERY.replace(/.{8}/g, "0X$& "),
      QUERY.toUpperCase().replace(/.{8}/g, "$& \t "),
    ];
    const out = ASKED.repeat(texts.length);
    expect(await run(texts)).toEqual({ out, err: "", code: 0 });
    expect(await run(["-"], texts.map((text) => `${text}\n`).join(""))).toEqual({ out, err: "", code: 0 });
  });

  test.each([
    ["no lines are no packets", "", ""],
    [
      "an empty line is an empty packet, lines may end with CRLF, and the last one needs no end",
      `${QUERY}\n\n\n${QUERY}\r\n\r\n${QUERY}\r`,
      ASKED + SHORT + SHORT + ASKED + SHORT + ASKED,
    ],
  ])("on standard input %s", async (_, text, out) => {
    expect(await run(["-"], text)).toEqual({ out, err: "", code: 0 });
  });

  test.each([
    ["an odd number of digits", "197", 'whereabouts: error: line 3 is not hex: "197" has an odd number of digits, 3\n'],
    [
      "a byte that is not ASCII",
      Uint8Array.of(0x30, 0xe9),
      'whereabouts: error: line 3 is not hex: "0\\u00e9" has "\\u00e9" at character 2\n',
    ],
  ])(
    "names the line of standard input that has %s, after the packets before it, and ends with 2",
    async (_, line, err) => {
      const text = Buffer.concat([
        Buffer.from(`${QUERY}\n\n`),
        Buffer.from(line as string),
        Buffer.from(`\n${QUERY}\n`),
      ]);
      expect(await run(["-"], text)).toEqual({ out: ASKED + SHORT, err, code: 2 });
    },
  );

  test.each(["wasm", "ts"])("takes %s from --codec and from WHEREABOUTS_CODEC", (backend) => {
    // The error for a codec that cannot be loaded proves that it was chosen.
    const broken = (args: readonly string[], more: Record<string, string>) => {
      const program = `globalThis.WebAssembly = undefined; ${PROGRAM}`.replace(
        /^ {2}import (.*) from (.*);$/gm,
        "const $1 = await import($2);",
      );
      return Bun.spawnSync([process.execPath, "-e", program, "--", ...args, QUERY], {
        cwd: ROOT,
        env: { ...env, ...more },
      });
    };
    for (const [args, more] of [
      [["--codec", backend], {}],
      [[], { WHEREABOUTS_CODEC: backend }],
    ] as const) {
      const { exitCode, stdout, stderr } = broken(args, more);
      expect(stdout.toString()).toBe(backend === "ts" ? ASKED : "");
      expect(stderr.toString()).toStartWith(backend === "ts" ? "" : "error: the wasm codec cannot be loaded here");
      expect(stderr.toString().includes("(set by WHEREABOUTS_CODEC)")).toBe(backend !== "ts" && args.length === 0);
      expect(exitCode).toBe(backend === "ts" ? 0 : 1);
    }
  });

  test("takes a packet longer than any datagram", async () => {
    const nodeId = new Uint8Array(300_000).fill(0xab);
    expect(await run(["-"], `${hex(query(nodeId))}\n${QUERY}\n`)).toEqual({
      out: `{"ok":true,"type":"query","nodeId":null,"nodeIdHex":"${"ab".repeat(300_000)}"}\n${ASKED}`,
      err: "",
      code: 0,
    });
  });

  test("describes its input and output in its help", () => {
    const help = helpOf(decodeCommand());
    for (const part of [
      "WHEREABOUTS_CODEC",
      "standard input",
      "empty packet",
      "tcpdump -l -n -x",
      ANNOUNCED.slice(0, 33),
      ASKED_HEX.slice(0, 25),
      "Exit code 0",
    ]) {
      expect(help).toContain(part);
    }
  });
});

testRefusals("decode", [
  [
    "an odd number of digits, before it prints anything",
    [QUERY, "197"],
    'argument 2 is not hex: "197" has an odd number of digits, 3\n',
  ],
  ["an escape", ["\u001b[2Jé"], 'argument 1 is not hex: "\\u001b[2J\\u00e9" has "\\u001b" at character 1\n'],
  ["- among others", ["00", "-"], '"-" must be the only argument\n'],
  ["an unknown codec", ["--codec", "js", QUERY], "Allowed choices are wasm, ts."],
]);
