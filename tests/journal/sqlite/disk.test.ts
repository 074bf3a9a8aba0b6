import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { BatchWriter, createJournal } from "../../../src/journal/index.ts";
import { Clock } from "../../../src/server/clock.ts";
import { Client } from "../../support/client.ts";
import { range } from "../../support/clock-steps.ts";
import { OutputLines, type Running, run, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

/** 127.0.0.1 as an address of IPv6. */
const LOOPBACK = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1);
const NEEDS_MOUNT = "needs a mount namespace: Linux, root, unshare, nsenter, mount";
const hasMount =
  process.platform === "linux" &&
  ["unshare", "nsenter", "mount", "sh", "dd"].every((tool) => Bun.which(tool) !== null) &&
  Bun.spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0;

setDefaultTimeout(TEST_LIMIT_MS);

const SERVER = ["server", "--host", "127.0.0.1", "--port", "0", "--capacity", "1000"];

interface Server extends AsyncDisposable {
  readonly child: Running;
  readonly printed: OutputLines;
  readonly client: Client;
  /** Warnings in its log. */
  warnings(): string[];
  stop(): Promise<string[]>;
}

/** Starts a server in its own mount namespace, after the shell command `mount`. */
async function serve(path: string, mount: string): Promise<Server> {
  const by = ["unshare", "-m", "sh", "-c", `${mount} && exec "$@"`, "sh"];
  const child = start([...SERVER, "--journal", `sqlite:${path}`], { by });
  const printed = new OutputLines(child.stdout);
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await printed.next(/listens on/))![1]);
  const client = await Client.open(port);
  return {
    child,
    printed,
    client,
    // On a busy machine the journal may also be late.
    warnings: () => printed.lines.filter((line) => line.includes("[WRN]") && !line.includes(" s late: ")),
    async stop() {
      child.kill();
      expect(await child.exited).toBe(0);
      await printed.end;
      return printed.lines;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function checkServes(client: Client, name: string, port: number): Promise<void> {
  client.send(announcement(ascii(name), port));
  expect(await client.ask(query(ascii(name)))).toEqual(announcement(ascii(name), port, Uint8Array.of(127, 0, 0, 1)));
}

/** Creates a journal with these nodes, properly closed. */
async function createJournalWith(path: string, ...nodeIds: string[]): Promise<void> {
  const origin = new Uint8Array(8);
  const options = { prefix: "x", retentionMs: 3_600_000, origin, clock: new Clock() };
  const journal = createJournal({ journal: `sqlite:${path}`, ...options });
  await journal.prepare();
  const writer = new BatchWriter(origin);
  for (const nodeId of nodeIds) {
    writer.addEntry({ nodeId: ascii(nodeId), address: LOOPBACK, port: 7, announcedAt: Date.now(), confirmed: true });
  }
  await journal.append(writer.seal());
  await journal.close();
}

describe.concurrent("a server with file system problems", () => {
  testIf(hasMount, NEEDS_MOUNT)(
    "disk full: it warns once, keeps serving, and writes the pending announcements once there is space",
    async () => {
      using folder = new Folder();
      const filler = folder.at("filler");
      const fill = `mount -t tmpfs -o size=1m tmpfs ${folder.path} && { dd if=/dev/zero of=${filler} bs=4k 2>/dev/null; true; }`;
      await using server = await serve(folder.at("registry.db"), fill);
      for (let i = 0; i < 5; i++) {
        await checkServes(server.client, `n${i}`, 1 + i);
        await Bun.sleep(300);
      }
      expect(server.warnings()).toHaveLength(1);
      expect(server.warnings()[0]).toContain("the disk is full; the server keeps running and retries");
      Bun.spawnSync(["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`, "rm", filler]);
      await server.printed.next(/the journal is written again, after \d+\.\d s/);
      await checkServes(server.client, "later", 9);
      await Bun.sleep(600);
      const figures = (await server.stop()).at(-1)!;
      expect(figures).toContain("journal: 6 appended");
      expect(figures).toMatch(/journal: .*\b[1-9]\d* errors/);
    },
    TEST_LIMIT_MS,
  );

  for (const [what, file, before, after] of [
    ["a properly closed journal is read at once", "", "1 node restored", ""],
    [
      "any other journal is read once there is space",
      "head -c 100000 /dev/urandom >registry.db-wal",
      "stores up to",
      "2 nodes known now",
    ],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `disk full at the start: ${what}`,
      async () => {
        using folder = new Folder();
        using kept = new Folder();
        await createJournalWith(kept.at("registry.db"), "kept");
        const steps = [
          `mount -t tmpfs -o size=1m tmpfs ${folder.path}`,
          `cp ${kept.path}/* ${folder.path} && cd ${folder.path}`,
          ...(file === "" ? [] : [file]),
          "{ dd if=/dev/zero of=filler bs=4k 2>/dev/null; true; }",
          `cd ${import.meta.dir}`,
        ];
        await using server = await serve(folder.at("registry.db"), steps.join(" && "));
        await server.printed.next(new RegExp(before));
        await checkServes(server.client, "new", 8);
        await Bun.sleep(1000);
        for (const line of server.warnings()) expect(line).toContain("the disk is full");
        expect(server.warnings().length).toBeWithin(1, 3);
        Bun.spawnSync(["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`, "rm", folder.at("filler")]);
        if (after !== "") await server.printed.next(new RegExp(after));
        await server.printed.next(/the journal is written again/);
        expect(await server.client.ask(query(ascii("kept")))).toBeDefined();
        await server.stop();
      },
      TEST_LIMIT_MS,
    );
  }

  for (const [what, before] of [
    ["while the server runs", false],
    ["that was read at the start", true],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `disk full, and a file removed ${what}: all known nodes are written once there is space`,
      async () => {
        using folder = new Folder();
        using kept = new Folder();
        await createJournalWith(kept.at("registry.db"), "kept");
        const path = folder.at("registry.db");
        const fill = `{ dd if=/dev/zero of=${folder.at("filler")} bs=4k 2>/dev/null; true; }`;
        const copy = `mount -t tmpfs -o size=1m tmpfs ${folder.path} && cp ${kept.path}/* ${folder.path}`;
        await using server = await serve(path, before ? `${copy} && ${fill}` : copy);
        const inside = ["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`];
        Bun.spawnSync([...inside, "sh", "-c", before ? `rm ${path}` : `rm ${path} && ${fill}`]);
        await checkServes(server.client, "new", 8);
        await Bun.sleep(600);
        for (const line of server.warnings()) expect(line).toContain("the disk is full");
        expect(server.warnings().length).toBeWithin(1, 3);
        Bun.spawnSync([...inside, "rm", folder.at("filler")]);
        await server.printed.next(/the journal is written again/);
        await Bun.sleep(300);
        const { out } = await run(["journal", "export", "--journal", `sqlite:${path}`], "", { by: inside });
        expect(out.match(/"nodeId":"\w+"/g)?.sort()).toEqual(['"nodeId":"kept"', '"nodeId":"new"']);
        await server.stop();
      },
      TEST_LIMIT_MS,
    );
  }

  testIf(hasMount, NEEDS_MOUNT)(
    "read-only file system: it reads the journal, warns once, and serves",
    async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await createJournalWith(path, "kept");
      const readOnly = `mount --bind ${folder.path} ${folder.path} && mount -o remount,ro,bind ${folder.path}`;
      await using server = await serve(path, readOnly);
      expect(await server.client.ask(query(ascii("kept")))).toEqual(
        announcement(ascii("kept"), 7, Uint8Array.of(127, 0, 0, 1)),
      );
      await checkServes(server.client, "new", 8);
      await Bun.sleep(1000);
      expect(server.warnings()).toHaveLength(1);
      expect(server.warnings()[0]).toContain("its file system is read-only; the server keeps running and retries");
      const log = await server.stop();
      expect(log.join("\n")).toContain("1 node restored");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasMount, NEEDS_MOUNT)("read-only folder with a writable file: it reads the journal", async () => {
    using folder = new Folder();
    using kept = new Folder();
    await createJournalWith(kept.at("registry.db"), "kept");
    writeFileSync(folder.at("registry.db"), "");
    const steps = [
      `mount --bind ${folder.path} ${folder.path}`,
      `mount --bind ${kept.at("registry.db")} ${folder.at("registry.db")}`,
      `mount -o remount,ro,bind ${folder.path}`,
    ];
    await using server = await serve(folder.at("registry.db"), steps.join(" && "));
    expect(await server.printed.next(/restored/)).toContain("1 node restored");
    expect(server.warnings()).toHaveLength(1);
    await server.stop();
  });

  for (const [what, path, mount] of [
    [
      ["cannot be written: its file system is read-only; the server keeps running and retries", "is damaged"],
      "",
      (at: string) => `mount -o remount,ro,bind ${at}`,
    ],
    [
      [
        "is damaged: database disk image is malformed, and it cannot be set aside: it is in use by the system; the server keeps running and retries",
      ],
      "/registry.db",
      (at: string) => `mount --bind ${at} ${at}`,
    ],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `damaged journal that cannot be renamed: it warns, serves, and stops on SIGTERM: ${what[0]}`,
      async () => {
        using folder = new Folder();
        const file = folder.at("registry.db");
        await createJournalWith(file, "lost");
        const garbage = Buffer.alloc(8000, "garbage ");
        writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 100), garbage]));
        const bind = `mount --bind ${folder.path} ${folder.path} && ${mount(folder.path + path)}`;
        await using server = await serve(file, bind);
        await checkServes(server.client, "new", 8);
        await Bun.sleep(1000);
        expect(server.warnings()).toEqual(what.map((line) => expect.stringContaining(`the journal ${file} ${line}`)));
        await server.stop();
        expect(readFileSync(file).subarray(100)).toEqual(garbage);
      },
      TEST_LIMIT_MS,
    );
  }
});

describe.concurrent("a server that cannot start with its journal", () => {
  for (const [what, pragma, why] of [
    [
      "a newer version",
      "PRAGMA user_version = 9",
      "was written by a newer version (its schema is 9, this version knows 3): update this program, or name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing",
    ],
    [
      "another program",
      "PRAGMA application_id = 1",
      "is a database of another program; name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing",
    ],
  ] as const) {
    test(`prints one line that says what to do, exit code 1: the journal belongs to ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await createJournalWith(path);
      const db = new Database(path);
      db.run(pragma);
      db.close();
      const { err, code, out } = await run([...SERVER, "--journal", `sqlite:${path}`]);
      expect(err).toStartWith("whereabouts: error: ");
      expect(err).toEndWith(`${why}\n`);
      expect(err.split("\n")).toHaveLength(2);
      expect({ code, out }).toEqual({ code: 1, out: "" });
    });
  }

  test("prints one line that says what to do, exit code 1: the journal is in use", async () => {
    using folder = new Folder();
    const env = { STATE_DIRECTORY: folder.path, WHEREABOUTS_JOURNAL: "sqlite" };
    const child = start(SERVER, { env });
    expect(await new OutputLines(child.stdout).next(/listens on/)).toContain(
      `journal sqlite ${folder.at("registry.db")}`,
    );
    const { err, code } = await run(SERVER, "", { env });
    expect(err).toBe(
      `whereabouts: error: the journal ${folder.at("registry.db")} is in use by another server: stop that one, or name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing (set by WHEREABOUTS_JOURNAL)\n`,
    );
    expect(code).toBe(1);
    child.kill();
    await child.exited;
  });

  test("leaves the journal intact if its port is in use", async () => {
    using folder = new Folder();
    const path = folder.at("registry.db");
    await createJournalWith(path, ...range(100, "NODE-"));
    const journal = ["--journal", `sqlite:${path}`];
    const taken = await Bun.udpSocket({ hostname: "127.0.0.1" });
    const { err, code } = await run([...SERVER, ...journal, "--port", `${taken.port}`]);
    taken.close();
    expect({ err, code }).toEqual({
      err: expect.stringContaining(`error: cannot listen on 127.0.0.1:${taken.port}: the port is in use`),
      code: 1,
    });
    const again = start([...SERVER, ...journal]);
    expect(await new OutputLines(again.stdout).next(/restored/)).toContain("100 nodes restored");
    again.kill();
    await again.exited;
  });

  test("exits with 0 on a signal while it waits for its journal", async () => {
    const asked = Promise.withResolvers<void>();
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => asked.resolve() } });
    const child = start([...SERVER, "--journal", `redis://127.0.0.1:${silent.port}`]);
    await asked.promise;
    child.kill("SIGTERM");
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect(out).toEndWith("stopped by SIGTERM before it listened\n");
    expect({ err, code }).toEqual({ err: "", code: 0 });
  });

  test("reports an invalid --journal in one line without the password, exit code 2", async () => {
    const { err, code } = await run([...SERVER, "--journal", "redis://:hush@host/x"]);
    expect(err).toStartWith("whereabouts: error: --journal: the database in the URL of Redis must be a number");
    expect(err).not.toContain("hush");
    expect(err.split("\n")).toHaveLength(2);
    expect(code).toBe(2);
  });
});
