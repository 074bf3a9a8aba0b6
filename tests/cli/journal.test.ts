import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { LineError, parseLine } from "../../src/cli/journal/lines.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Member } from "../support/cluster.ts";
import { run as runProcess, start } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { runInOneProcess as run } from "../support/one-process.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../support/redis.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

const now = () => Date.now();
const line = (nodeId: string, port: number, announcedAt = now() - 1000, ip = "192.0.2.7") =>
  JSON.stringify({ nodeId, ip, port, announcedAt });

async function importInto(journal: string, lines: readonly string[], args: readonly string[] = []) {
  using folder = new Folder();
  writeFileSync(folder.at("lines"), lines.map((it) => `${it}\n`).join(""));
  return await run(["journal", "import", folder.at("lines"), "--journal", journal, ...args]);
}

async function exported(journal: string): Promise<Record<string, unknown>[]> {
  const { out, err, code } = await run(["journal", "export", "--journal", journal]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  return out
    .split("\n")
    .filter((it) => it !== "")
    .map((it) => JSON.parse(it));
}

setDefaultTimeout(TEST_LIMIT_MS);

describe("whereabouts journal", () => {
  test("export prints each imported node once, in order of time, and importing that elsewhere gives the same export", async () => {
    using folder = new Folder();
    const [one, other] = [`sqlite:${folder.at("one.db")}`, `sqlite:${folder.at("other.db")}`];
    const at = now() - 60_000;
    const hex = JSON.stringify({ nodeIdHex: "00ff", ip: "2001:DB8::1", port: 1, announcedAt: at + 0.5 });
    const lines = [line("B", 2, at + 2), line("A", 3, at + 1), line("A", 4, at + 3), hex, line("A", 9, at)];
    expect(await importInto(one, lines)).toEqual({
      out: "",
      err: "whereabouts: 5 nodes imported\n",
      code: 0,
    });
    const entries = [
      { nodeId: null, nodeIdHex: "00ff", ip: "2001:db8::1", port: 1, announcedAt: at + 0.5 },
      { nodeId: "B", nodeIdHex: "42", ip: "192.0.2.7", port: 2, announcedAt: at + 2 },
      { nodeId: "A", nodeIdHex: "41", ip: "192.0.2.7", port: 4, announcedAt: at + 3 },
    ];
    expect(await exported(one)).toEqual(entries);
    await importInto(
      other,
      entries.map((entry) => JSON.stringify(entry)),
    );
    expect(await exported(other)).toEqual(entries);
  });

  test("export and import keep which nodes were announced only once", async () => {
    using folder = new Folder();
    const [one, other] = [`sqlite:${folder.at("one.db")}`, `sqlite:${folder.at("other.db")}`];
    const once = JSON.stringify({ nodeId: "ONCE", ip: "192.0.2.7", port: 1, announcedAt: now() - 9, confirmed: false });
    const odd = JSON.stringify({ nodeId: "ODD", ip: "192.0.2.7", port: 1, announcedAt: now() - 9, confirmed: "no" });
    const { err } = await importInto(one, [once, line("OFTEN", 2), odd]);
    expect(err).toBe(
      'whereabouts: line 3: "confirmed" must be true or false, not "no"\nwhereabouts: 2 nodes imported, 1 invalid line left out\n',
    );
    const nodes = await exported(one);
    expect(nodes.map(({ nodeId, confirmed }) => [nodeId, confirmed]).sort()).toEqual([
      ["OFTEN", undefined],
      ["ONCE", false],
    ]);
    await importInto(
      other,
      nodes.map((node) => JSON.stringify(node)),
    );
    expect(await exported(other)).toEqual(nodes);
  });

  test("a server knows the nodes that were imported from a file", async () => {
    using folder = new Folder();
    const file = folder.at("nodes.jsonl");
    writeFileSync(file, `\n${line("A", 7)}\r\n\n${line("NÖDE", 8)}`);
    const path = folder.at("registry.db");
    const { code } = await run(["journal", "import", file, "--journal", `sqlite:${path}`]);
    expect(code).toBe(0);
    await using server = await DiscoveryServer.start({
      host: "127.0.0.1",
      port: 0,
      capacity: 10,
      journal: `sqlite:${path}`,
    });
    expect(server.stats().nodes).toBe(2);
  });

  test("import reports invalid lines by number, imports all others, and exits with 1", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    const wrong = [
      "nonsense",
      "[]",
      line("", 1),
      line("A", 0),
      line("A", 1, now() + 1e6),
      line("A", 1, now(), "1.2.3"),
    ];
    const { err, code, out } = await importInto(journal, [line("A", 1), ...wrong, "", line("B", 2)]);
    expect(err.split("\n")).toEqual([
      "whereabouts: line 2: not valid JSON",
      "whereabouts: line 3: not a JSON object",
      "whereabouts: line 4: a NodeID has 1 to 1008 bytes, not 0",
      'whereabouts: line 5: "port" must be a whole number from 1 to 65535, not 0',
      expect.stringMatching(/^whereabouts: line 6: "announcedAt" is in the future: \d+$/),
      'whereabouts: line 7: "ip" must be an IPv4 or IPv6 address, not "1.2.3"',
      "whereabouts: 2 nodes imported, 6 invalid lines left out",
      "",
    ]);
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect((await exported(journal)).map(({ nodeId }) => nodeId).sort()).toEqual(["A", "B"]);
  });

  test("import of a file of something else reports only its first twenty lines, without quoting them", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    const { err, code } = await importInto(
      journal,
      // The first 25, more than are reported, are so long that only their beginnings are kept. The others are short, to save time.
      Array.from({ length: 500 }, (_, i) => "\x1b[31mx".repeat(i < 25 ? 50_000 : 500)),
    );
    expect(err.split("\n").length).toBeLessThan(25);
    expect(err.length).toBeLessThan(3000);
    expect(err).toContain("whereabouts: 480 more invalid lines\n");
    expect(err).not.toContain("\x1b");
    expect(code).toBe(1);
  });

  test("import and export leave out expired nodes", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    const { err } = await importInto(
      journal,
      [line("OLD", 1, now() - 150_000), line("NEW", 1)],
      ["--retention", "100"],
    );
    expect(err).toContain("1 node imported, 1 expired node left out");
    await importInto(journal, [line("OLD", 1, now() - 150_000)]);
    const { out } = await run(["journal", "export", "--journal", journal, "--retention", "100"]);
    expect(out.match(/"nodeId":"\w+"/g)).toEqual(['"nodeId":"NEW"']);
  });

  test("import deletes no expired nodes from an SQLite file, whose server may have a longer retention", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    const day = ["--retention", "86400"];
    await importInto(journal, [line("OLD", 1, now() - 7_200_000)], day);
    await importInto(journal, [line("NEW", 1)]);
    const { out } = await run(["journal", "export", "--journal", journal, ...day]);
    expect(out.match(/"nodeId":"\w+"/g)).toEqual(['"nodeId":"OLD"', '"nodeId":"NEW"']);
  });

  testIf(hasRedis, NEEDS_REDIS)(
    "import trims no expired entries from Redis, whose servers may have a longer retention",
    async () => {
      await using redis = await Redis.start({ args: ["--stream-node-max-entries", "1"] });
      await redis.ask("XADD", "whereabouts:journal", `${now() - 7_200_000}-0`, "batch", "of two hours ago");
      expect(await importInto(redis.url, [line("NEW", 1)])).toMatchObject({ code: 0 });
      expect(await redis.ask("XLEN", "whereabouts:journal")).toBe(2);
    },
  );

  test("stats prints what a journal holds, with units and ISO 8601 times; with --json, as an object", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    const at = now() - 120_000;
    await importInto(`sqlite:${path}`, [line("A", 1, at), line("A", 1, at + 60_000), line("B", 1, at + 90_000)]);
    const { out, err, code } = await run(["journal", "stats", "--journal", `sqlite:${path}`]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
    expect(out.replace(/\(\d+ s ago\)/g, "(AGE)").replace(/[\d.]+ kB/, "SIZE")).toBe(
      [
        "nodes           2",
        "devices         0",
        "announcements   3",
        `oldest node     ${iso(at + 60_000)} (AGE)`,
        `newest node     ${iso(at + 90_000)} (AGE)`,
        "batches         1",
        "size            SIZE",
        `file            ${path}`,
        "schema version  3",
        "",
      ].join("\n"),
    );
    const json = JSON.parse((await run(["journal", "stats", "--json", "--journal", `sqlite:${path}`])).out);
    expect(json).toMatchObject({
      nodes: 2,
      devices: 0,
      addresses: 0,
      announcements: 3,
      oldest: at + 60_000,
      newest: at + 90_000,
      batches: 1,
      bad: 0,
      schema: 3,
    });
  });

  test("export prints what is readable of a damaged journal, reports the damage, exits with 1 and leaves the file in place", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    for (let i = 0; i < 3; i++) await importInto(`sqlite:${path}`, [line(`n${i}`, 1)]);
    const bytes = readFileSync(path);
    const at = bytes.indexOf("n1");
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
    const { out, err, code } = await run(["journal", "export", "--journal", `sqlite:${path}`]);
    expect(out.match(/"nodeId":"\w+"/g)).toEqual(['"nodeId":"n0"', '"nodeId":"n2"']);
    expect(err).toBe(
      `whereabouts: error: the journal ${path} is damaged: 1 batch is unreadable (its checksum is wrong)\n`,
    );
    expect(code).toBe(1);
    expect(readFileSync(path)).toEqual(bytes);
    expect(readdirSync(folder.path).some((name) => name.includes("damaged"))).toBe(false);
  });

  test("a journal or an input that does not exist is one line and exit code 1", async () => {
    using folder = new Folder();
    const path = folder.at("none.db");
    for (const command of ["export", "stats"]) {
      const { err, code, out } = await run(["journal", command, "--journal", `sqlite:${path}`]);
      expect({ err, code, out }).toEqual({
        err: `whereabouts: error: there is no journal ${path}: no server has created it yet, or --journal sqlite:PATH must name another file\n`,
        code: 1,
        out: "",
      });
    }
    for (const [file, why] of [
      [folder.at("none.jsonl"), `there is no file ${folder.at("none.jsonl")}: check its name`],
      [folder.path, `${folder.path} is a folder`],
    ] as const) {
      const { err, code } = await run(["journal", "import", file, "--journal", `sqlite:${path}`]);
      expect(err).toContain(why);
      expect(code).toBe(1);
      expect(existsSync(path)).toBe(false);
    }
    const refused = await run(["journal", "stats", "--journal", "redis://:hush@127.0.0.1:1"]);
    expect(refused.err).toBe(
      "whereabouts: error: cannot connect to redis://127.0.0.1:1/0: connection refused; check that Redis runs there, and the host and port in --journal\n",
    );
    expect(refused.code).toBe(1);
  });

  test("import refuses a file that a server is using; export reads it", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    await using member = await Member.start(journal);
    await member.announce(["A"], 5);
    await until(() => member.server.stats().journal.appended === 1, "the journal");
    expect(await exported(journal)).toMatchObject([{ nodeId: "A", ip: "127.0.0.1", port: 5 }]);
    const { err, code } = await importInto(journal, [line("B", 1)]);
    expect(err).toContain("is in use by another server: stop that one, or");
    expect(code).toBe(1);
  });

  test("an unknown subcommand, the journal memory or an invalid journal is exit code 2", async () => {
    expect(await run(["journal", "frobnicate"])).toMatchObject({ code: 2, out: "" });
    expect(await run(["journal", "export", "--journal", "memory"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("keeps nothing"),
    });
    const wrong = await run(["journal", "export", "--journal", "redis://:hush@h/x"]);
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).not.toContain("hush");
    for (const command of ["export", "import", "stats"]) {
      expect((await run(["journal", command, "--help"])).out).toContain("WHEREABOUTS_JOURNAL");
    }
  });

  test("export ends without an error when its pipe is closed", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    await importInto(
      journal,
      Array.from({ length: 5000 }, (_, i) => line(`n${i}`, 1)),
    );
    const child = start(["journal", "export", "--journal", journal]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  testIf(hasRedis, NEEDS_REDIS)("servers that share a Redis know imported nodes at once", async () => {
    using folder = new Folder();
    await using redis = await Redis.start();
    const journal = `sqlite:${folder.at("registry.db")}`;
    await importInto(
      journal,
      Array.from({ length: 3000 }, (_, i) => line(`n${i}`, 1 + i)),
    );
    await using member = await Member.start(redis.url);
    const { out } = await run(["journal", "export", "--journal", journal]);
    const { err, code } = await runProcess(["journal", "import", "--journal", redis.url], out);
    expect({ err, code }).toMatchObject({ err: expect.stringContaining("3000 nodes imported"), code: 0 });
    await until(() => member.server.stats().nodes === 3000, "all of them");
    expect(await member.server.stats().journal).toMatchObject({ merged: 3000 });
    const stats = JSON.parse((await run(["journal", "stats", "--json", "--journal", redis.url])).out);
    expect(stats).toMatchObject({ nodes: 3000, batches: 1, bad: 0, key: "whereabouts:journal", clockAheadMs: 0 });
    // Only a process of its own shows that the command ends.
    const { out: text } = await runProcess(["journal", "stats", "--journal", redis.url]);
    expect(text).toMatch(/^redis {11}redis:/m);
    expect(text).toMatch(/^stream key {6}whereabouts:journal$/m);
    expect(text).toMatch(/^clock of Redis {2}same as here$/m);
  });

  testIf(hasRedis, NEEDS_REDIS)(
    "the journal command and a server need only the Redis rights that docs/scaling.md lists",
    async () => {
      const text = await Bun.file(new URL("../../docs/scaling.md", import.meta.url)).text();
      const rights = /`(~whereabouts:\* [^`]*)`/.exec(text)![1]!.split(" ");
      const more = /also `(\+xlen [^`]*)`/.exec(text)![1]!.split(" ");
      await using redis = await Redis.start();
      await redis.ask("ACL", "SETUSER", "wb", "on", ">hush", "-@all", ...rights);
      const journal = redis.url.replace("//", "//wb:hush@");
      expect(await importInto(`${journal}/3`, [line("A", 7)])).toMatchObject({ code: 0 });
      expect(await exported(`${journal}/3`)).toMatchObject([{ nodeId: "A" }]);
      expect((await run(["journal", "stats", "--journal", journal])).err).toContain("no permissions to run the 'xlen'");
      await using member = await Member.start(`${journal}/3`);
      expect(member.server.stats().nodes).toBe(1);
      await member.announce(["B"]);
      await until(() => member.server.stats().journal.appended === 1, "the journal");
      // It has checked the stream by then, and will notice the loss at the next check.
      await Bun.sleep(3500);
      await redis.ask("FLUSHALL");
      const refilled = async () => `${await redis.ask("SELECT", "3")} ${await redis.ask("GET", "whereabouts:refill")}`;
      for (let i = 0; i < 100 && !(await refilled()).startsWith("OK done"); i++) await Bun.sleep(100);
      expect(await refilled()).toStartWith("OK done");
      // The only error is that Redis lost data.
      expect(member.server.stats().journal.errors).toBe(1);
      await redis.ask("ACL", "SETUSER", "wb", ...more);
      const { out, err } = await run(["journal", "stats", "--json", "--journal", `${journal}/3`]);
      expect(err).toBe("");
      expect(JSON.parse(out)).toMatchObject({ nodes: 2 });
    },
  );
});

test("a line of JSON is parsed only if its NodeID, address, port and time are valid", () => {
  const good = { nodeIdHex: "00", ip: "::ffff:192.0.2.1", port: 1, announcedAt: 5 };
  expect(parseLine(JSON.stringify(good), 10)).toMatchObject({
    node: { address: Uint8Array.fromHex("00000000000000000000ffffc0000201") },
  });
  for (const change of [
    { nodeIdHex: "0" },
    { nodeIdHex: undefined },
    { nodeIdHex: undefined, nodeId: null },
    { nodeIdHex: undefined, nodeId: "\ud800" },
    { nodeIdHex: undefined, nodeId: new TextDecoder().decode(Uint8Array.of(0x4e, 0xff)) },
    { nodeIdHex: "00".repeat(1009) },
    { ip: "fe80::1%eth0" },
    { ip: "010.0.0.1" },
    { ip: "example.org" },
    { ip: 5 },
    { port: "1" },
    { port: 1.5 },
    { port: 65536 },
    { announcedAt: "2026-01-01" },
    { announcedAt: -1 },
    { announcedAt: null },
  ]) {
    expect(() => parseLine(JSON.stringify({ ...good, ...change }), 10)).toThrow(LineError);
  }
});
