// The configuration file of the server, and --print-config. Every flag can be set by a variable and in the file.
import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommanderError } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import { serverCommand } from "../../src/cli/server.ts";
import { OutputLines, run, start } from "../support/command.ts";
import { runInOneProcess } from "../support/one-process.ts";

const folder = mkdtempSync(join(tmpdir(), "whereabouts-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string, mode = 0o600): string {
  const path = join(folder, `${++files}.toml`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** For each flag: a line of the file, and other values as variable and as flag. */
const VALUES: Readonly<Record<string, readonly [file: string, variable: string, flag: string]>> = {
  host: ['["127.0.0.2", "::1"]', "127.0.0.3", "127.0.0.4"],
  port: ["1001", "1002", "1003"],
  "share-port": ["true", "no", "yes"],
  workers: ["2", "3", "4"],
  transport: ['"mmsg"', "xdp", "xdp"],
  // With xdp, --interface has an effect.
  interface: ['"a0"', "b0", "c0"],
  fallback: ["false", "yes", "no"],
  coalesce: ["100", "200", "300"],
  "receive-buffer": ["1000", "2000", "3000"],
  engine: ['"ts"', "wasm", "ts"],
  capacity: ["101", "102", "103"],
  "max-id-length": ["11", "12", "13"],
  retention: ["21", "22", "23"],
  "source-rate": ["0.5", "1.5", "2.5"],
  "source-burst": ["31", "32", "33"],
  "node-rate": ["41", "42", "43"],
  "node-burst": ["51", "52", "53"],
  "new-rate": ["61", "62", "63"],
  "new-burst": ["71", "72", "73"],
  allow: ['["10.0.0.0/8", "2001:db8::/32"]', "10.1.0.0/16", "10.2.0.0/16"],
  "limit-dry-run": ["true", "no", "yes"],
  journal: ['"memory"', "sqlite:/x/y", "sqlite"],
  "journal-prefix": ['"a"', "b", "c"],
  https: ['"off"', "[::1]:1", "127.0.0.1:2"],
  "https-cert": ['"/x/a.pem"', "/x/b.pem", "/x/c.pem"],
  "https-key": ['"/y/a.pem"', "/y/b.pem", "/y/c.pem"],
  http: ['"127.0.0.1:3"', "[::1]:4", "127.0.0.1:5"],
  // --http needs it.
  "trust-proxy": ['["10.3.0.0/16", "2001:db8:1::/48"]', "10.4.0.0/16", "10.5.0.0/16"],
  "proxy-header": ['"X-A"', "X-B", "X-C"],
  "https-unverified": ["true", "no", "yes"],
  "https-capacity": ["81", "82", "83"],
  admin: ['"off"', "127.0.0.1:1", "[::1]:2"],
  "admin-token": ['"secret-a"', "secret-b", "secret-c"],
  "log-level": ['"debug"', "warn", "error"],
  "log-format": ['"json"', "auto", "json"],
};

/** Not in the file: what is about the file itself, and --print-config, which has no variable either. */
const OPTIONS = serverCommand().options.filter(({ long }) => long !== "--config" && long !== "--print-config");
const values = (which: 0 | 1 | 2) => OPTIONS.map((option) => [option, VALUES[option.name()]?.[which]] as const);
const MOST = file(OPTIONS.map((option) => `${option.name()} = ${VALUES[option.name()]?.[0]}\n`).join(""));
const VARIABLES = Object.fromEntries(values(1).map(([option, value]) => [option.envVar!, value!]));
const FLAGS = values(2).map(([option, value]) => `${option.long}=${value}`);
/** Without the variables that tests of the command have otherwise. */
const NONE = { WHEREABOUTS_JOURNAL: "", WHEREABOUTS_ADMIN: "", WHEREABOUTS_LOG_FORMAT: "" };

async function printed(args: readonly string[], env: Record<string, string> = NONE) {
  const { out, err, code } = await runInOneProcess(["server", "--print-config", ...args], env);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  const lines = Object.fromEntries(out.split("\n").map((line) => [/^(?:# )?([\w-]+)/.exec(line)?.[1], line] as const));
  return { out, lines, values: Bun.TOML.parse(out) as Record<string, unknown> };
}

test("each flag has values here for the tests of variable, file and precedence", () => {
  expect(OPTIONS.map((option) => option.name()).filter((name) => VALUES[name] === undefined)).toEqual([]);
  expect(OPTIONS.filter((option) => option.envVar === undefined).map((option) => option.name())).toEqual([]);
});

test("a flag wins over its variable, a variable over the file, the file over the default, and each is named", async () => {
  const [defaults, inFile, variables, flags] = await Promise.all([
    printed([]),
    printed(["--config", MOST]),
    printed([], { ...VARIABLES, WHEREABOUTS_CONFIG: MOST }),
    printed(["--config", MOST, ...FLAGS], VARIABLES),
  ]);
  for (const option of OPTIONS) {
    const name = option.name();
    const [ofFile, ofVariable, ofFlag] = VALUES[name]!;
    const about = `of --${name}`;
    expect(inFile.lines[name], about).toContain(`  # file ${MOST}`);
    expect(variables.lines[name], about).toContain(`  # variable ${option.envVar}`);
    expect(flags.lines[name], about).toContain(`  # flag --${name}`);
    if (name === "admin-token") {
      expect(defaults.lines[name]).toBe("# admin-token is not set");
      for (const { out, lines } of [inFile, variables, flags]) {
        expect(out).not.toMatch(/secret-/);
        expect(lines[name]).toStartWith("# ");
      }
      continue;
    }
    expect(defaults.lines[name], about).toMatch(name === "interface" ? /^# interface is not set$/ : / {2}# default/);
    expect(inFile.values[name], about).toEqual(Object.values(Bun.TOML.parse(`x = ${ofFile}`))[0]);
    const shown = (value: unknown) => ({ true: "yes", false: "no", warning: "warn" })[`${value}`] ?? `${value}`;
    expect(shown(variables.values[name]), about).toBe(ofVariable);
    expect(shown(flags.values[name]), about).toBe(ofFlag);
  }
});

test("what --print-config prints is a file that means the same", async () => {
  for (const args of [
    [],
    ["--config", MOST],
    FLAGS,
    ["--journal-prefix", '"#\\', "--journal", "sqlite:/a\n\x9b\u202eb#"],
  ]) {
    const { out, values } = await printed(args);
    expect(out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const again = await printed(["--config", file(out)]);
    expect(again.values).toEqual(values);
  }
});

test("the password in the URL of Redis is not printed", async () => {
  for (const url of ["redis://:pass-word@localhost:1/2", "rediss://user:pass-word@[::1]"]) {
    const { out, lines } = await printed(["--journal", url]);
    expect(out).not.toContain("pass-word");
    expect(lines.journal).toBe(
      `# journal = "${url.replace("pass-word", "***")}"  # flag --journal; secret, so not printed: set it again`,
    );
  }
  expect((await printed(["--journal", "redis://localhost"])).lines.journal).toStartWith(
    'journal = "redis://localhost"',
  );
});

test("a server starts with the values of its file", async () => {
  const path = file(
    'host = ["127.0.0.1"]\nport = 0\ncapacity = 10\nworkers = 1\nlog-format = "json"\nadmin-token = "secret"\n',
    0o644,
  );
  await using child = start(["server"], { env: { WHEREABOUTS_CONFIG: path, WHEREABOUTS_LOG_FORMAT: "" } });
  const log = new OutputLines(child.stdout);
  const warning = JSON.parse(await log.next(/./)).message;
  expect(warning).toBe(
    `${path} has a secret (admin-token), and every user of this machine can read it: run chmod o-r ${path}`,
  );
  expect(JSON.parse(await log.next(/listens on/)).properties).toMatchObject({ host: "127.0.0.1", workers: 1 });
  expect(JSON.parse(await log.next(/stores up to/)).properties).toMatchObject({ capacity: 10 });
  child.kill();
  expect(await child.exited).toBe(0);
});

test("a warning tells of a secret that every user can read, and of no other file", async () => {
  const warned = async (text: string, mode: number) => {
    const { err, code } = await runInOneProcess(["server", "--print-config", "--config", file(text, mode)]);
    expect(code).toBe(0);
    return err.includes("every user of this machine can read it");
  };
  expect(await Promise.all([warned('journal = "redis://:x@h"', 0o644), warned('admin-token = "x"', 0o604)])).toEqual([
    true,
    true,
  ]);
  expect(
    await Promise.all([
      warned('admin-token = "x"', 0o640),
      warned('journal = "redis://h"\nport = 1', 0o644),
      warned("", 0o644),
    ]),
  ).toEqual([false, false, false]);
});

test.each([
  ["port = 70000", ", line 1: port = 70000 is invalid. It must be a whole number from 0 to 65535."],
  ["# x\nprot = 5", ', line 2: unknown key "prot": did you mean "port"?'],
  ["sourceRate = 5", ', line 1: unknown key "sourceRate": did you mean "source-rate"?'],
  ["max_id_length = 5", ', line 1: unknown key "max_id_length": did you mean "max-id-length"?'],
  ["constructor = 5", ', line 1: unknown key "constructor": known are host, port, '],
  ["\n[server]\nport = 1", ", line 2: there are no sections: write the keys without [server]"],
  ["[[server]]", ", line 1: there are no sections: write the keys without [server]"],
  ["port = true", ", line 1: port must be a number, not true or false"],
  ["port = [1]", ", line 1: port must be a number, not this array"],
  ["host = [1]", ', line 1: host must be text, or an array of texts such as ["a", "b"], not this array'],
  ["host = 5", ', line 1: host must be text, or an array of texts such as ["a", "b"], not a number'],
  ["port.x = 5", ", line 1: port must be a number, not a table"],
  ["retention = 1979-05-27", ", line 1: retention must be a number, not a date or a time"],
  ["limit-dry-run = 1", ", line 1: limit-dry-run must be true or false, not a number"],
  ["admin-token = 424242", ", line 1: admin-token must be text in quotes, not a number"],
  ["source-rate = inf", ", line 1: source-rate = Infinity is invalid. It must be a number of 0 or more."],
  ["source-rate = 1e15", "error: source-rate in FILE must be 0 or a number from 0.000001 to 1000000000, not 1"],
  [
    "capacity = 4000000000",
    "lower the capacity to 35724543 or the maximum length of NodeIDs (set by capacity in FILE)",
  ],
  ['engine = "go"', ', line 1: engine = "go" is invalid. Allowed choices are wasm, ts.'],
  ['allow = ["::1", "10/8"]', ', line 1: allow = [ "::1", "10/8" ] is invalid. "10/8" is no network'],
  ['host = ["::1:5:%"]', "error: host in FILE must be an address or a name without a port"],
  ['journal = "postgres://h"', "error: journal in FILE must be memory, sqlite, "],
  ['journal = "redis://:pass-word@h/x"', "error: journal in FILE: the database in the URL of Redis must be a number"],
  ['config = "x"', ", line 1: config cannot be set in the file: it is a flag only"],
  ["print-config = true", ", line 1: print-config cannot be set in the file: it is a flag only"],
  ["port = 1\nport = 2", ", line 2: this is not TOML: there are two lines for 'port'"],
  ['host = [\n"a",\n]\n\nport == 5\nengine = "ts"', ", line 5: this is not TOML: Expected a value"],
  ['host = [\n"a",\n]\nallow = [\n"b",\n', ", line 4: this is not TOML: Unterminated array"],
  ["port = 1\nadmin-token = hunter2", ", line 2: this is not TOML: Strings must be quoted\n"],
  ["admin-token hunter2", ", line 1: this is not TOML: Expected '=' after a key\n"],
])("refuses the file %p in one line that names it, with exit code 2", async (text, complaint) => {
  const path = file(text);
  const { err, code } = await errorOf(["--config", path]);
  expect(err).toStartWith("error: ");
  expect(err).toContain(complaint.startsWith(",") ? path + complaint : complaint.replace("FILE", path));
  expect(err.split("\n")).toHaveLength(2);
  expect(err).not.toMatch(/hunter2|424242|pass-word/);
  expect(code).toBe(2);
});

/** The error of `server --print-config`, which must be wrong use. In this process, since there are many cases. */
async function errorOf(args: readonly string[]): Promise<{ err: string; code: number }> {
  let err = "";
  const command = serverCommand();
  const writeErr = (text: string) => {
    err += text;
  };
  createProgram([command.exitOverride().configureOutput({ writeErr })]);
  try {
    await command.parseAsync(["--print-config", ...args], { from: "user" });
  } catch (error) {
    return { err, code: (error as CommanderError).exitCode };
  }
  throw new Error(`${args} is no error`);
}

test("refuses a wrong value of the file even if a flag overrides it", async () => {
  const path = file("port = 70000");
  const err = `error: ${path}, line 1: port = 70000 is invalid. It must be a whole number from 0 to 65535.\n`;
  expect(await errorOf(["--config", path, "--port", "1"])).toEqual({ err, code: 2 });
});

test("names the file that cannot be read, and why", async () => {
  writeFileSync(join(folder, "latin1.toml"), Buffer.from([0x23, 0xe9]));
  for (const [path, why] of [
    [join(folder, "none.toml"), "no such file or directory"],
    [folder, "it is a folder"],
    [join(folder, "latin1.toml"), "it is not text in UTF-8"],
  ]) {
    expect(await errorOf(["--config", path!])).toEqual({
      err: `error: the configuration file ${path} cannot be read: ${why}\n`,
      code: 2,
    });
  }
});

test("--print-config refuses what a start would refuse, and starts nothing", async () => {
  for (const [args, complaint] of [
    [["--capacity", "4000000000"], "more than the maximum of 4 GiB"],
    [["--journal", "postgres://h"], "--journal must be memory, sqlite"],
    [["--host", "::1,"], "--host must be an address or a name"],
    [["--admin", "0.0.0.0:1"], "--admin-token"],
  ] as const) {
    const { err, code } = await errorOf(args);
    expect(err).toContain(complaint);
    expect(code).toBe(2);
  }
  // A folder that cannot be created, and a name that no resolver knows.
  await printed(["--journal", "sqlite:/proc/nope/x", "--host", "nowhere.invalid"]);
});

test("a start refuses the same file as --print-config, with the same line", async () => {
  const path = file("prot = 5");
  const refused = {
    out: "",
    err: `whereabouts: error: ${path}, line 1: unknown key "prot": did you mean "port"?\n`,
    code: 2,
  };
  expect(await run(["server", "--config", path])).toEqual(refused);
  expect(await runInOneProcess(["server", "--print-config"], { WHEREABOUTS_CONFIG: path })).toEqual(refused);
});

test("a warning tells of a flag or a variable that has no effect, and of none in a file that --print-config wrote", async () => {
  const env = { WHEREABOUTS_TRUST_PROXY: "127.0.0.1" };
  const args = ["server", "--https-cert", "a.pem", "--https-capacity", "7", "--print-config"];
  const { out, err } = await runInOneProcess(args, env);
  expect(err.trimEnd().split("\n")).toEqual([
    "whereabouts: warning: --https-cert has no effect without --https",
    "whereabouts: warning: --trust-proxy has no effect without --http",
  ]);
  expect((await runInOneProcess(["server", "--config", file(out), "--print-config"])).err).toBe("");
});

test("a warning tells of each flag that only some transports use, if it is another transport", async () => {
  const warnings = async (...args: string[]) => {
    const env = { WHEREABOUTS_FALLBACK: "no" };
    const flags = ["--print-config", "--interface", "eth0", "--coalesce=50"];
    const { err } = await runInOneProcess(["server", ...flags, ...args], env);
    return err
      .trimEnd()
      .split("\n")
      .map((line) => line.replace("whereabouts: warning: ", ""));
  };
  const others = [
    "--interface has no effect without --transport xdp",
    "--fallback has no effect without --transport xdp",
  ];
  expect(await warnings()).toEqual([...others, "--coalesce has no effect without --transport mmsg or xdp"]);
  expect(await warnings("--transport", "mmsg")).toEqual(others);
  expect(await warnings("--transport", "xdp")).toEqual([""]);
});

test("--fallback is on unless it is set to no", async () => {
  const xdp = ["--transport", "xdp", "--interface", "eth0"];
  const fallback = async (...args: string[]) => (await printed([...xdp, ...args])).values.fallback;
  expect(await fallback()).toBe(true);
  expect(await fallback("--fallback")).toBe(true);
  expect(await fallback("--fallback", "no")).toBe(false);
  expect(await fallback("--config", file("fallback = false"))).toBe(false);
});

test("the interface of the server has a variable of its own: that of the client may be several", async () => {
  const env = { WHEREABOUTS_TRANSPORT: "xdp", WHEREABOUTS_INTERFACE: "eth0,eth1" };
  const { err, code } = await runInOneProcess(["server", "--print-config"], env);
  expect({ err, code }).toEqual({
    err: "whereabouts: error: --interface is needed by the transport xdp: the name of a network interface, such as eth0\n",
    code: 2,
  });
  const { values } = await printed([], { ...NONE, ...env, WHEREABOUTS_SERVER_INTERFACE: "eth0" });
  expect(values.interface).toBe("eth0");
});
