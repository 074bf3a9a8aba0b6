import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Client } from "../../support/client.ts";
import { type Running, run, Said, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

const NEEDS_MOUNT = "needs a mount namespace: Linux, root, unshare, nsenter, mount";
const hasMount =
  process.platform === "linux" &&
  ["unshare", "nsenter", "mount", "sh", "dd"].every((tool) => Bun.which(tool) !== null) &&
  Bun.spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0;

setDefaultTimeout(TEST_LIMIT_MS);

const SERVER = ["server", "--host", "127.0.0.1", "--port", "0", "--capacity", "1000"];

interface Server extends AsyncDisposable {
  readonly child: Running;
  readonly said: Said;
  readonly client: Client;
  /** Lines of the log about trouble with the journal. */
  warnings(): string[];
  stop(): Promise<string[]>;
}

/** A server in a mount namespace of its own, which a shell has made ready. */
async function serve(path: string, mount: string): Promise<Server> {
  const by = ["unshare", "-m", "sh", "-c", `${mount} && exec "$@"`, "sh"];
  const child = start([...SERVER, "--journal", `sqlite:${path}`], { by });
  const said = new Said(child.stdout);
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await said.next(/listens on/))![1]);
  const client = await Client.open(port);
  return {
    child,
    said,
    client,
    warnings: () => said.lines.filter((line) => line.includes("[WRN]")),
    async stop() {
      child.kill();
      expect(await child.exited).toBe(0);
      await said.end;
      return said.lines;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function known(client: Client, name: string, port: number): Promise<void> {
  client.send(announcement(ascii(name), port));
  expect(await client.ask(query(ascii(name)))).toEqual(announcement(ascii(name), port, Uint8Array.of(127, 0, 0, 1)));
}

/** A journal that has a node, and was closed in order. */
async function keep(path: string, nodeId: string): Promise<void> {
  const entry = { nodeId, ip: "127.0.0.1", port: 7, announcedAt: Date.now() };
  const { code } = await run(["journal", "import", "--journal", `sqlite:${path}`], JSON.stringify(entry));
  expect(code).toBe(0);
}

describe.concurrent("a server whose file system is the matter", () => {
  testIf(hasMount, NEEDS_MOUNT)(
    "and its disk is full says so once, serves, and keeps what it owes when there is room again",
    async () => {
      using folder = new Folder();
      const filler = folder.at("filler");
      const fill = `mount -t tmpfs -o size=1m tmpfs ${folder.path} && { dd if=/dev/zero of=${filler} bs=4k 2>/dev/null; true; }`;
      await using server = await serve(folder.at("registry.db"), fill);
      for (let i = 0; i < 5; i++) {
        await known(server.client, `n${i}`, 1 + i);
        await Bun.sleep(300);
      }
      expect(server.warnings()).toHaveLength(1);
      expect(server.warnings()[0]).toContain("the disk is full; the server goes on, and tries again");
      Bun.spawnSync(["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`, "rm", filler]);
      await server.said.next(/the journal is written again, after \d+\.\d s/);
      await known(server.client, "later", 9);
      await Bun.sleep(600);
      const figures = (await server.stop()).at(-1)!;
      expect(figures).toContain("journal: 6 appended");
      expect(figures).toMatch(/journal: .*\b[1-9]\d* errors/);
    },
    TEST_LIMIT_MS,
  );

  for (const [what, file, before, after] of [
    ["of a journal that was closed in order", "", "1 node restored", ""],
    [
      "of any other, as soon as there is room",
      "head -c 100000 /dev/urandom >registry.db-wal",
      "0 nodes",
      "2 nodes are",
    ],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `and its disk is full when it starts says so, and knows what it has ${what}`,
      async () => {
        using folder = new Folder();
        using kept = new Folder();
        await keep(kept.at("registry.db"), "kept");
        const steps = [
          `mount -t tmpfs -o size=1m tmpfs ${folder.path}`,
          `cp ${kept.path}/* ${folder.path} && cd ${folder.path}`,
          ...(file === "" ? [] : [file]),
          "{ dd if=/dev/zero of=filler bs=4k 2>/dev/null; true; }",
          `cd ${import.meta.dir}`,
        ];
        await using server = await serve(folder.at("registry.db"), steps.join(" && "));
        expect(await server.said.next(/restored/)).toContain(before);
        await known(server.client, "new", 8);
        await Bun.sleep(1000);
        for (const line of server.warnings()) expect(line).toContain("the disk is full");
        expect(server.warnings().length).toBeWithin(1, 3);
        Bun.spawnSync(["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`, "rm", folder.at("filler")]);
        if (after !== "") await server.said.next(new RegExp(after));
        await server.said.next(/the journal is written again/);
        expect(await server.client.ask(query(ascii("kept")))).toBeDefined();
        await server.stop();
      },
      TEST_LIMIT_MS,
    );
  }

  for (const [what, before] of [
    ["while it runs", false],
    ["that it could read when it started", true],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `and its disk is full writes all that it knows as soon as there is room, though its file was removed ${what}`,
      async () => {
        using folder = new Folder();
        using kept = new Folder();
        await keep(kept.at("registry.db"), "kept");
        const path = folder.at("registry.db");
        const fill = `{ dd if=/dev/zero of=${folder.at("filler")} bs=4k 2>/dev/null; true; }`;
        const copy = `mount -t tmpfs -o size=1m tmpfs ${folder.path} && cp ${kept.path}/* ${folder.path}`;
        await using server = await serve(path, before ? `${copy} && ${fill}` : copy);
        const inside = ["nsenter", `--mount=/proc/${server.child.pid}/ns/mnt`];
        Bun.spawnSync([...inside, "sh", "-c", before ? `rm ${path}` : `rm ${path} && ${fill}`]);
        await known(server.client, "new", 8);
        await Bun.sleep(600);
        for (const line of server.warnings()) expect(line).toContain("the disk is full");
        expect(server.warnings().length).toBeWithin(1, 3);
        Bun.spawnSync([...inside, "rm", folder.at("filler")]);
        await server.said.next(/the journal is written again/);
        await Bun.sleep(300);
        const { out } = await run(["journal", "export", "--journal", `sqlite:${path}`], "", { by: inside });
        expect(out.match(/"nodeId":"\w+"/g)?.sort()).toEqual(['"nodeId":"kept"', '"nodeId":"new"']);
        await server.stop();
      },
      TEST_LIMIT_MS,
    );
  }

  testIf(hasMount, NEEDS_MOUNT)(
    "and it is read-only knows what it has, says so once, and serves",
    async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      await keep(path, "kept");
      const readOnly = `mount --bind ${folder.path} ${folder.path} && mount -o remount,ro,bind ${folder.path}`;
      await using server = await serve(path, readOnly);
      expect(await server.client.ask(query(ascii("kept")))).toEqual(
        announcement(ascii("kept"), 7, Uint8Array.of(127, 0, 0, 1)),
      );
      await known(server.client, "new", 8);
      await Bun.sleep(1000);
      expect(server.warnings()).toHaveLength(1);
      expect(server.warnings()[0]).toContain("its file system is read-only; the server goes on, and tries again");
      const log = await server.stop();
      expect(log.join("\n")).toContain("1 node restored");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasMount, NEEDS_MOUNT)("and it is its folder that is read-only knows what it has", async () => {
    using folder = new Folder();
    using kept = new Folder();
    await keep(kept.at("registry.db"), "kept");
    for (const name of ["registry.db", "registry.db.lock"]) writeFileSync(folder.at(name), "");
    const steps = [
      `mount --bind ${folder.path} ${folder.path}`,
      `mount --bind ${kept.at("registry.db")} ${folder.at("registry.db")}`,
      `mount -o remount,ro,bind ${folder.path}`,
    ];
    await using server = await serve(folder.at("registry.db"), steps.join(" && "));
    expect(await server.said.next(/restored/)).toContain("1 node restored");
    expect(server.warnings()).toHaveLength(1);
    await server.stop();
  });

  for (const [what, mount] of [
    ["it is not a file", (lock: string) => `mkdir ${lock}`],
    [
      "its file system is read-only",
      (lock: string) => `: >${lock} && mount --bind ${lock} ${lock} && mount -o remount,ro,bind ${lock}`,
    ],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `and its lock cannot be had says so, and does not write without it: ${what}`,
      async () => {
        using folder = new Folder();
        const path = folder.at("registry.db");
        await using server = await serve(path, mount(`${path}.lock`));
        await known(server.client, "new", 8);
        await Bun.sleep(600);
        expect(server.warnings()).toHaveLength(2);
        expect(server.warnings()[0]).toContain(
          `the journal ${path} cannot be written, for ${path}.lock cannot: ${what}; the server goes on, and tries again`,
        );
        expect(server.warnings()[1]).toContain(`there is no journal ${path}`);
        await server.stop();
        expect(existsSync(path)).toBe(false);
      },
    );
  }

  for (const [what, path, mount] of [
    [
      ["cannot be written: its file system is read-only; the server goes on, and tries again", "is damaged"],
      "",
      (at: string) => `mount -o remount,ro,bind ${at}`,
    ],
    [
      [
        "is damaged: file is not a database, and it cannot be set aside: it is in use by the system; the server goes on, and tries again",
      ],
      "/registry.db",
      (at: string) => `mount --bind ${at} ${at}`,
    ],
  ] as const) {
    testIf(hasMount, NEEDS_MOUNT)(
      `and its journal, which is damaged, cannot be set aside says so, serves, and ends when it is told to: ${what[0]}`,
      async () => {
        using folder = new Folder();
        const file = folder.at("registry.db");
        writeFileSync(file, "garbage ".repeat(1000));
        writeFileSync(`${file}.lock`, "");
        const bind = `mount --bind ${folder.path} ${folder.path} && ${mount(folder.path + path)}`;
        await using server = await serve(file, bind);
        await known(server.client, "new", 8);
        await Bun.sleep(1000);
        expect(server.warnings()).toEqual(what.map((line) => expect.stringContaining(`the journal ${file} ${line}`)));
        await server.stop();
        expect(readFileSync(file, "utf8")).toStartWith("garbage");
      },
      TEST_LIMIT_MS,
    );
  }
});

describe.concurrent("a server that had better not start", () => {
  for (const [what, pragma, why] of [
    [
      "a newer version",
      "PRAGMA user_version = 9",
      "was written by a newer version (its schema is 9, this version knows 1): update, or give another with --journal sqlite:PATH, or none with --journal memory",
    ],
    [
      "another program",
      "PRAGMA application_id = 1",
      "is a database of another program; give another with --journal sqlite:PATH, or none with --journal memory",
    ],
  ] as const) {
    test(`says in a line what to do, and ends with 1: its journal is of ${what}`, async () => {
      using folder = new Folder();
      const path = folder.at("registry.db");
      const child = start([...SERVER, "--journal", `sqlite:${path}`]);
      await new Said(child.stdout).next(/listens on/);
      child.kill();
      await child.exited;
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

  test("says in a line what to do, and ends with 1: its journal is in use", async () => {
    using folder = new Folder();
    const env = { STATE_DIRECTORY: folder.path, WHEREABOUTS_JOURNAL: "sqlite" };
    const child = start(SERVER, { env });
    expect(await new Said(child.stdout).next(/listens on/)).toContain(`journal sqlite ${folder.at("registry.db")}`);
    const { err, code } = await run(SERVER, "", { env });
    expect(err).toBe(
      `whereabouts: error: the journal ${folder.at("registry.db")} is in use by another server; give another with --journal sqlite:PATH, or none with --journal memory (set by WHEREABOUTS_JOURNAL)\n`,
    );
    expect(code).toBe(1);
    child.kill();
    await child.exited;
  });

  test("loses nothing of its journal by a port that is in use", async () => {
    using folder = new Folder();
    const journal = ["--journal", `sqlite:${folder.at("registry.db")}`];
    const first = start([...SERVER, ...journal]);
    const line = await new Said(first.stdout).next(/listens on/);
    const client = await Client.open(Number(line.match(/:(\d+): /)![1]));
    for (let n = 0; n < 100; n++) client.send(announcement(ascii(`NODE-${n}`), 1 + n));
    await client.ask(query(ascii("NODE-99")));
    client.close();
    first.kill();
    await first.exited;
    const taken = await Bun.udpSocket({ hostname: "127.0.0.1" });
    const { err, code } = await run([...SERVER, ...journal, "--port", `${taken.port}`]);
    taken.close();
    expect({ err, code }).toEqual({
      err: `whereabouts: error: cannot listen on 127.0.0.1:${taken.port}: the port is in use\n`,
      code: 1,
    });
    const again = start([...SERVER, ...journal]);
    expect(await new Said(again.stdout).next(/restored/)).toContain("100 nodes restored");
    again.kill();
    await again.exited;
  });

  test("ends with 0 at once by a signal that comes while it waits for its journal", async () => {
    const asked = Promise.withResolvers<void>();
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => asked.resolve() } });
    const child = start([...SERVER, "--journal", `redis://127.0.0.1:${silent.port}`]);
    await asked.promise;
    child.kill("SIGTERM");
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect(out).toEndWith("stopped by SIGTERM before it listened\n");
    expect({ err, code }).toEqual({ err: "", code: 0 });
  });

  test("tells of a wrong --journal in a line without its password, and ends with 2", async () => {
    const { err, code } = await run([...SERVER, "--journal", "redis://:hush@host/x"]);
    expect(err).toStartWith("whereabouts: error: journal: the database in the URL of Redis must be a number");
    expect(err).not.toContain("hush");
    expect(err.split("\n")).toHaveLength(2);
    expect(code).toBe(2);
  });
});
