import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { DiscoveryServer, type ServerStats } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { OutputLines } from "../support/command.ts";
import { Device } from "../support/device.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { runInOneProcess } from "../support/one-process.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { lastingPort } from "../support/ports.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

function spawn(args: readonly string[], env: Record<string, string> = {}, by: readonly string[] = []) {
  return Bun.spawn([...by, process.execPath, MAIN, ...args], {
    // The tests must not use the journal of the user who runs them.
    env: {
      ...Bun.env,
      WHEREABOUTS_JOURNAL: "memory",
      WHEREABOUTS_ADMIN: "off",
      WHEREABOUTS_LOG_FORMAT: "pretty",
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(args: readonly string[], env?: Record<string, string>) {
  const child = spawn(args, env);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

type Child = ReturnType<typeof spawn>;

/** Reads the log of a server up to the port that it took; `rest` reads on to the end, and returns all. */
async function started(child: Child): Promise<{ port: number; rest: () => Promise<string> }> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server ended: ${text}${await child.stderr.text()}`);
    text += value;
    const port = /(?:"port":|]:|\d:)(\d{4,5})\b/.exec(text)?.[1];
    if (!port) continue;
    const rest = async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
      return text;
    };
    return { port: Number(port), rest };
  }
}

describe("whereabouts server", () => {
  test("logs when the registry is full, when it has room again, and how many nodes gave way", async () => {
    const flags = ["--capacity", "10", "--retention", "2", "--workers", "1"];
    const child = spawn(["server", "--host", "127.0.0.1", "--port", "0", ...flags]);
    const out = new OutputLines(child.stdout);
    const port = Number(/:(\d+): /.exec(await out.next(/listens on/))![1]);
    await using client = await Client.open(port);
    for (let i = 0; i < 13; i++) {
      client.send(announcement(ascii(`N${i}`), 22000));
      expect(await client.ask(query(ascii(`N${i}`)))).toBeDefined();
    }
    // After the retention.
    await out.next(/has room again/);
    child.kill("SIGTERM");
    await out.end;
    const lines = out.lines.filter((line) => line.includes("registry"));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(
      "the registry is full: 10 of 10 nodes; new ones take the place of nodes that were announced",
    );
    expect(lines[0]).toContain("raise --capacity");
    expect(lines[1]).toMatch(/the registry has room again: [0-9] of 10 nodes$/);
    expect(out.lines.join("\n")).toContain("3 nodes gave way to new ones");
    expect(await child.exited).toBe(0);
  });

  test("logs where it serves Syncthing's global discovery, and the requests at the end", async () => {
    using folder = new Folder();
    const files = ["--https-cert", folder.at("cert.pem"), "--https-key", folder.at("key.pem")];
    const udp = ["--host", "127.0.0.1", "--port", "0", "--workers", "1"];
    const https = ["--https", "127.0.0.1:0", "--https-capacity", "1", ...files];
    const child = spawn(["server", ...udp, ...https, "--admin", "127.0.0.1:0"]);
    const out = new OutputLines(child.stdout);
    const page = /http:\S+/.exec(await out.next(/the live page is at/))![0];
    const url = /serves Syncthing's global discovery on (https:.*)$/.exec(await out.next(/serves Syncthing/))![1]!;
    const [device, other] = [new Device(), new Device()];
    await device.announce(url, "tcp://192.0.2.7:22000");
    expect(await device.addresses(url)).toEqual(["tcp://192.0.2.7:22000"]);
    expect(await other.addresses(url)).toBeUndefined();
    await other.announce(url, "tcp://192.0.2.8:22000");
    // The last answer may arrive before it is counted.
    const stats = async () => (await (await fetch(`${page}api/stats`)).json()) as ServerStats;
    while ((await stats()).https.requests.new < 2) await Bun.sleep(50);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await out.end;
    expect(out.lines.at(-1)).toMatch(
      /stopped by SIGTERM after \d+ packets?[^;]*; 4 requests of Syncthing: 1 found, 1 not-found, 2 new; 1 device gave way to new ones; \d+ nodes?, 1 device, \d+ MB resident/,
    );
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`logs what it listens on, answers, and exits with 0 after ${signal}`, async () => {
      const child = spawn(["server", "--host", "127.0.0.1", "--port", "0", "--workers", "1"]);
      const { port, rest } = await started(child);
      await using client = await Client.open(port);
      client.send(announcement(ascii("A"), 22000));
      expect(await client.ask(query(ascii("A")))).toEqual(announcement(ascii("A"), 22000, Uint8Array.of(127, 0, 0, 1)));
      child.kill(signal);
      // A terminal signals the whole process group and `bun run` passes its signal on: a signal may arrive twice.
      child.kill(signal);
      expect(await child.exited).toBe(0);
      const log = await rest();
      expect(log).toContain(`listens on udp 127.0.0.1:${port}: wasm engine, 1 worker, transport udp`);
      expect(log).toMatch(
        new RegExp(`stopped by ${signal} after 2 packets: 1 answered, 1 stored; 1 node, \\d+ MB resident\n$`),
      );
      expect(log).not.toContain("admin");
      for (const line of log.trim().split("\n")) {
        expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d \[INF\] /);
      }
    });
  }

  test("starts one worker less than there are processors, at least one, or as many as --workers says", async () => {
    const auto = process.platform === "linux" ? Math.max(1, availableParallelism() - 1) : 1;
    for (const [flags, workers] of [
      [["--workers", "auto"], auto],
      [["--workers", "3"], 3],
    ] as const) {
      const child = spawn(["server", "--host", "127.0.0.1", "--port", "0", ...flags]);
      const { port, rest } = await started(child);
      child.kill();
      const plural = workers === 1 ? "worker" : "workers";
      expect(await rest()).toContain(`127.0.0.1:${port}: wasm engine, ${workers} ${plural}, transport udp`);
    }
    const { out } = await runInOneProcess(["server", "--print-config"]);
    expect(out).toContain('\nworkers = "auto"  # default\n');
  });

  // A process with CAP_NET_ADMIN is granted any size.
  const powerless = process.getuid?.() === 0 ? ["setpriv", "--bounding-set", "-net_admin", "--"] : [];
  const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
  testIf(limit < 2 ** 29 && (powerless.length === 0 || Bun.which("setpriv") !== null), "root, and no setpriv")(
    "logs one line if the system grants a smaller receive buffer than it was asked for",
    async () => {
      const flags = ["--host", "127.0.0.1", "--port", "0", "--receive-buffer", `${limit + 1}`];
      const child = spawn(["server", ...flags], {}, powerless);
      const { rest } = await started(child);
      child.kill();
      const lines = (await rest()).split("\n").filter((line) => line.includes("receive buffer"));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`a receive buffer of ${limit} bytes, not of ${limit + 1}`);
      expect(lines[0]).toContain(`sysctl -w net.core.rmem_max=${limit + 1}`);
    },
  );

  test("logs JSON, one record per line, with --log-format json", async () => {
    const child = spawn(
      ["server", "--host", "127.0.0.1", "--port", "0"].concat(
        "--log-format",
        "json",
        "--engine",
        "ts",
        "--workers",
        "2",
      ),
      { WHEREABOUTS_PROT: "1" },
    );
    const { rest } = await started(child);
    child.kill();
    const records = (await rest())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const warning = "unknown variable WHEREABOUTS_PROT is ignored: did you mean WHEREABOUTS_PORT?";
    expect(records.shift()).toMatchObject({ level: "WARN", message: warning, properties: { warning } });
    expect(records[0].properties).toMatchObject({ host: "127.0.0.1", engine: "ts", workers: 2, transport: "udp" });
    expect(records[0].properties).not.toHaveProperty("admin");
    expect(records.at(-1).properties).toMatchObject({ received: 0, answered: 0, "limited-source": 0, nodes: 0 });
    expect(records.at(-1).properties).toMatchObject({ residentMB: expect.any(Number), journalLateSeconds: 0 });
    for (const key of Object.keys(records.at(-1).properties)) expect(key).not.toContain(" ");
    for (const record of records) expect(record["@timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]{12}[+-]\d\d:\d\d$/);
  });

  test("takes its flags from the environment too, and a flag wins", async () => {
    const env = {
      WHEREABOUTS_HOST: "127.0.0.1",
      WHEREABOUTS_PORT: "1",
      WHEREABOUTS_MAX_ID_LENGTH: "10",
      WHEREABOUTS_ALLOW: "127.0.0.0/8, ::1",
      WHEREABOUTS_SOURCE_BURST: "1",
      WHEREABOUTS_LIMIT_DRY_RUN: "no",
      WHEREABOUTS_LOG_FORMAT: "json",
    };
    const child = spawn(["server", "--port", "0"], env);
    const { port, rest } = await started(child);
    await using client = await Client.open(port);
    client.send(announcement(ascii("0123456789"), 1));
    client.send(announcement(ascii("0123456789+"), 1));
    expect(await client.ask(query(ascii("0123456789")))).toBeDefined();
    child.kill();
    const log = await rest();
    expect(JSON.parse(log.trim().split("\n").at(-1)!).properties).toMatchObject({ stored: 1, "refused-id": 1 });
    expect(log).not.toContain("dry run");
    expect(log).toContain("none for 127.0.0.0/8, ::1/128");
  });

  test("keeps running if nobody reads its log any more", async () => {
    const child = spawn(["server", "--host", "127.0.0.1", "--port", "0"]);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(new TextDecoder().decode(value))?.[1]);
    await reader.cancel();
    await using client = await Client.open(port);
    client.send(announcement(ascii("A"), 1));
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    child.kill();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("reports a port in use in one line, and exits with 1", async () => {
    await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
    const { out, err, code } = await run(["server", "--host", "127.0.0.1", "--port", `${server.port}`]);
    expect({ out, err, code }).toEqual({
      out: "",
      err: `whereabouts: error: cannot listen on 127.0.0.1:${server.port}: the port is in use; "ss -lunp" shows which program has it, and --port takes another one\n`,
      code: 1,
    });
  });

  test("listens on several hosts, given by flags or by a variable, and logs all of them", async () => {
    const args = ["--port", "0", "--host", "127.0.0.2", "--host", "[::1],127.0.0.1"];
    const child = spawn(["server", ...args]);
    const { port, rest } = await started(child);
    for (const host of ["127.0.0.2", "::1", "127.0.0.1"]) {
      await using client = await Client.open(port, host);
      client.send(announcement(ascii("A"), 1));
      expect(await client.ask(query(ascii("A")))).toBeDefined();
    }
    child.kill();
    expect(await rest()).toContain(` listens on udp 127.0.0.2:${port}, [::1]:${port}, 127.0.0.1:${port}: `);
    const variable = { WHEREABOUTS_HOST: "127.0.0.2, ::1,127.0.0.1" };
    const { out } = await runInOneProcess(["server", "--print-config"], variable);
    expect(out).toContain('\nhost = ["127.0.0.2", "::1", "127.0.0.1"]');
  });

  test("names the host that it cannot listen on", async () => {
    const { err, code } = await run(["server", "--port", "0", "--host", "127.0.0.1", "--host", "192.0.2.1"]);
    expect(err).toBe(
      'whereabouts: error: cannot listen on 192.0.2.1:0: no interface of this host has that address; "ip address" lists its addresses, and without --host all are used\n',
    );
    expect(code).toBe(1);
  });

  const unprivileged = process.getuid?.() === 0 ? ["setpriv", "--bounding-set", "-net_bind_service", "--"] : [];
  const firstPort = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  testIf(firstPort > 9 && (unprivileged.length === 0 || Bun.which("setpriv") !== null), "root, and no setpriv")(
    "says how a port below 1024 is allowed",
    async () => {
      const child = spawn(["server", "--host", "127.0.0.1", "--port", "9"], {}, unprivileged);
      expect(await child.stderr.text()).toBe(
        `whereabouts: error: cannot listen on 127.0.0.1:9: not permitted (ports below 1024 need privileges); take a --port from 1024 on, let the socket unit of systemd bind it, or run setcap cap_net_bind_service=+ep ${process.execPath}\n`,
      );
      expect(await child.exited).toBe(1);
    },
  );

  test("says where the folder of the journal comes from, if it cannot be used", async () => {
    const none = { WHEREABOUTS_JOURNAL: "" };
    const [service, user] = await Promise.all([
      run(["server", "--port", "0"], { ...none, STATE_DIRECTORY: "/proc/nope" }),
      run(["server", "--port", "0"], { ...none, STATE_DIRECTORY: "", XDG_STATE_HOME: "/proc/nope" }),
    ]);
    for (const { out, err, code } of [service, user]) {
      expect({ out, code }).toEqual({ out: "", code: 1 });
      expect(err).toContain("/registry.db cannot be created: ");
      expect(err).toContain("name another file with --journal sqlite:PATH");
      expect(err.split("\n")).toHaveLength(2);
    }
    expect(service.err).toEndWith(
      "; its folder is that of the variable STATE_DIRECTORY, which systemd sets for StateDirectory=\n",
    );
    expect(user.err).toEndWith("; the variable STATE_DIRECTORY sets another folder\n");
  });

  testIf(process.platform === "linux", "not Linux")("says that the system does not grant the memory", async () => {
    const limited = ["sh", "-c", 'ulimit -v 3000000; exec "$@"', "sh"];
    const child = spawn(["server", "--port", "0", "--capacity", "30000000"], {}, limited);
    expect(await child.stderr.text()).toBe(
      "whereabouts: error: a capacity of 30000000 nodes with NodeIDs of up to 64 bytes needs 3.4 GiB of memory, which this system does not grant: lower the capacity\n",
    );
    expect(await child.exited).toBe(2);
  });

  test("refuses a wrong flag in one line, with exit code 2", async () => {
    const { out, err, code } = await run(["server", "--port", "70000"]);
    expect(err).toMatch(/^whereabouts: error: .*whole number from 0 to 65535.*\n$/);
    expect({ out, code }).toEqual({ out: "", code: 2 });
  });

  test("names the variable when the environment is wrong", async () => {
    const { err, code } = await runInOneProcess(["server"], { WHEREABOUTS_NODE_RATE: "many" });
    expect(err).toBe(
      'whereabouts: error: WHEREABOUTS_NODE_RATE="many" is invalid. It must be a number of 0 or more.\n',
    );
    expect(code).toBe(2);
  });

  // Too long for a label of a name: no resolver is asked.
  const nowhere = "x".repeat(64);
  test.each<[string, Record<string, string>, number]>([
    ["WHEREABOUTS_SOURCE_RATE must be 0 or", { WHEREABOUTS_SOURCE_RATE: "99999999999999" }, 2],
    ["the maximum length of NodeIDs (set by WHEREABOUTS_CAPACITY)", { WHEREABOUTS_CAPACITY: "4000000000" }, 2],
    [`cannot resolve ${nowhere} (set by WHEREABOUTS_HOST)`, { WHEREABOUTS_HOST: nowhere }, 1],
    ["error: WHEREABOUTS_JOURNAL must be memory", { WHEREABOUTS_JOURNAL: "postgres://host" }, 2],
    ["error: WHEREABOUTS_JOURNAL: the URL of Redis has no host", { WHEREABOUTS_JOURNAL: "redis://" }, 2],
    ["(set by WHEREABOUTS_JOURNAL)\n", { WHEREABOUTS_JOURNAL: "sqlite:/proc/nope/file" }, 1],
    ["error: WHEREABOUTS_JOURNAL_PREFIX must be", { WHEREABOUTS_JOURNAL_PREFIX: "two words" }, 2],
    ['WHEREABOUTS_LIMIT_DRY_RUN="perhaps" is invalid. It must be', { WHEREABOUTS_LIMIT_DRY_RUN: "perhaps" }, 2],
    ['WHEREABOUTS_NODE_RATE="a \\u{1b}\'"b" is invalid.', { WHEREABOUTS_NODE_RATE: "a\n\x1b'\"b" }, 2],
  ])("names the variable, not the flag, in the error %s", async (message, variables, exitCode) => {
    const { out, err, code } = await (exitCode === 2 ? runInOneProcess : run)(["server", "--port", "0"], variables);
    expect(err).toContain(message);
    expect(err.split("\n")).toHaveLength(2);
    expect({ out, code }).toEqual({ out: "", code: exitCode });
  });

  test("names the variable for the port of an address that cannot be bound", async () => {
    await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
    const { err, code } = await run(["server", "--host", "127.0.0.1"], {
      WHEREABOUTS_PORT: `${server.port}`,
    });
    expect(err).toContain(': the port is in use (set by WHEREABOUTS_PORT); "ss -lunp" shows');
    expect(code).toBe(1);
  });

  test("logs a warning for an unknown variable, and takes an empty one for not set", async () => {
    const unknown = { WHEREABOUTS_PROT: "1", WHEREABOUTS_TIMEOUT: "3" };
    const empty = { WHEREABOUTS_HOST: "", WHEREABOUTS_CAPACITY: "", WHEREABOUTS_LIMIT_DRY_RUN: "" };
    const child = spawn(["server", "--port", "0"], { ...unknown, ...empty });
    const { rest } = await started(child);
    child.kill();
    const log = await rest();
    const warnings = log.split("\n").filter((line) => line.includes("[WRN]") && line.includes("variable"));
    expect(warnings).toEqual([
      expect.stringMatching(/: unknown variable WHEREABOUTS_PROT is ignored: did you mean WHEREABOUTS_PORT\?$/),
    ]);
    expect(log).toContain("listens on udp [::]:");
    expect(log).toContain("up to 1000000 nodes");
    expect(log).not.toContain("dry run");
    expect(await child.stderr.text()).toBe("");
  });

  test("takes warn for warning, and --admin off for nothing", async () => {
    const port = await lastingPort();
    const flags = ["--log-level", "warn", "--admin", "off"];
    const child = spawn(["server", "--host", "127.0.0.1", "--port", `${port}`, ...flags], {
      WHEREABOUTS_NONSENSE: "1",
    });
    const log = new OutputLines(child.stdout);
    await log.next(/\[WRN\] whereabouts·server: unknown variable WHEREABOUTS_NONSENSE/);
    await using client = await Client.open(port);
    await until(() => {
      try {
        client.send(announcement(ascii("A"), 1));
        client.send(query(ascii("A")));
      } catch {
        // Nobody listens on the port yet.
      }
      return client.replies.length > 0;
    }, "an answer");
    child.kill();
    await log.end;
    expect(log.lines).toHaveLength(1);
    expect(await child.exited).toBe(0);
  });
});

describe("whereabouts", () => {
  test("--help of the server names each flag, its default and its variable", async () => {
    expect(await runInOneProcess(["--help"])).toMatchObject({ code: 0, err: "" });
    const { out } = await runInOneProcess(["server", "--help"]);
    const flags = [
      "host",
      "port",
      "workers",
      "transport",
      "fallback",
      "coalesce",
      "receive-buffer",
      "engine",
      "capacity",
      "max-id-length",
    ];
    for (const flag of [...flags, "retention"]) {
      expect(out).toContain(`--${flag} `);
      expect(out).toContain(`WHEREABOUTS_${flag.toUpperCase().replaceAll("-", "_")}`);
    }
  });

  test("exits with 2 without a command, or with an unknown one", async () => {
    expect(await runInOneProcess([])).toMatchObject({ code: 2, out: "" });
    expect(await runInOneProcess(["frobnicate"])).toMatchObject({
      code: 2,
      err: "whereabouts: error: unknown command 'frobnicate'\n",
    });
  });
});

const WRONG: [args: string[], complaint: string][] = [
  [["--port", "70000"], "whole number from 0 to 65535"],
  [["--port", "1e3"], "whole number"],
  [["--port", "-1"], "whole number"],
  [["--capacity", "0"], "whole number from 1"],
  [["--capacity", "4000000000"], "447.1 GiB of memory, more than the maximum of 4 GiB: lower the capacity to 35724543"],
  [["--max-id-length", "1009"], "from 1 to 1008"],
  [["--retention", "soon"], "whole number"],
  [["--source-rate", "-5"], "number of 0 or more."],
  [["--source-rate", "1e3"], "number of 0 or more, in decimal digits only."],
  [["--capacity", "1_000"], "from 1 to 4294967296, in decimal digits only."],
  [["--journal", "redis://:secret@host:99999"], "--journal: the port in the URL of Redis must be a number up to 65535"],
  [["--new-burst", "0"], "number of 1 or more"],
  [["--allow", "10.0.0.0/33"], '"10.0.0.0/33" is no network'],
  [["--allow", "10/8"], '"10/8" is no network'],
  [["--allow", "010.0.0.0/8"], '"010.0.0.0/8" is no network'],
  [["--allow", "10.0.0.0/8/8"], "is no network"],
  [["--host", ""], "--host must be an address or a name"],
  [["--host", "::1,"], "--host must be an address or a name, not an empty string"],
  [["--allow", "example.org"], '"example.org" is no network'],
  [["--engine", "go"], "Allowed choices are wasm, ts"],
  [["--workers", "0"], '"auto", or a whole number from 1 to 256'],
  [["--workers", "257"], '"auto", or a whole number from 1 to 256'],
  [["--workers", "all"], '"auto", or a whole number from 1 to 256'],
  [["--transport", "tcp"], "Allowed choices are udp, mmsg, xdp"],
  [["--transport", "xdp"], "--interface is needed by the transport xdp"],
  [
    ["--transport", "xdp", "--interface", "eth 0"],
    '--interface must be the name of a network interface, such as eth0, not "eth 0"',
  ],
  [["--coalesce", "0.1ms"], 'It must be "auto", or a whole number from 0 to 100000'],
  [["--fallback=perhaps"], "yes or no"],
  [["--receive-buffer", "8MB"], "whole number from 1"],
  [["--receive-buffer", "0"], "whole number from 1"],
  [["--journal", "postgres://host"], "--journal must be memory, sqlite, sqlite:PATH, or the URL of Redis or Valkey"],
  [["--journal-prefix", "two words"], "--journal-prefix must be 1 to 100 printable ASCII characters"],
  [["--admin", "127.0.0.1"], "It must be HOST:PORT, such as"],
  [["--log-level", "wrn"], "Allowed choices are debug, info, warning, error"],
  [["--source-rate", "99999999999999"], "--source-rate must be 0 or"],
  [["--limit-dry-run=perhaps"], "yes or no"],
  [["--frobnicate"], "unknown option '--frobnicate'"],
  [["extra"], "too many arguments"],
];
testRefusals(
  "server",
  WRONG.map(([args, complaint]) => [args.join(" "), args, complaint]),
);
