/** A server one of whose workers stands still, and later goes on. `bun run soak:stall` does this for longer, at every step. */
import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import type { EngineBackend } from "../../../src/engine/index.ts";
import { Client } from "../../support/client.ts";
import { OutputLines, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { nodeOf } from "../../support/nodes.ts";
import { announcement } from "../../support/packets.ts";
import { canStopThreads } from "../../support/thread-stops.ts";
import { LONG_LIMIT_MS, until } from "../../support/time-limits.ts";
import { HANGS, runStall, wrongWith } from "./run.ts";
import type { StallStep } from "./stall.ts";

const on = testIf(await canStopThreads(), "needs ptrace, on Linux");

/** Runs stalls side by side, since they mostly wait. */
async function stall(...stalls: readonly (readonly [EngineBackend, StallStep, number])[]) {
  const results = await Promise.all(stalls.map((one) => runStall(...one)));
  expect(results.map(wrongWith)).toEqual(stalls.map(() => ""));
  return results.map(({ outcome }) => outcome);
}

on(
  "a worker that stands still for 0.2 s is kept, at whatever step of a change",
  async () => {
    const outcomes = await stall(["wasm", "refresh", 200], ["ts", "insert, linking", 200], ["wasm", "idle", 200]);
    expect(outcomes).toEqual(["kept", "kept", "kept"]);
  },
  LONG_LIMIT_MS,
);

on(
  "a worker that stands still for 3 s is replaced; it keeps its locks, and may finish its change when it goes on",
  async () => {
    const outcomes = await stall(["wasm", "allocate", 3000], ["ts", "remove", 3000], ["ts", "insert", 3000]);
    expect(outcomes).toEqual(["replaced", "replaced", "replaced"]);
  },
  LONG_LIMIT_MS,
);

// At a random moment it may hold a lock of Bun's as well. Then the control thread waits too, and the worker is kept.
on(
  "a worker that stands still at a random moment, with a lock or without, damages nothing and ends nothing",
  async () => {
    const outcomes = await stall(["wasm", "locked", 1500], ["ts", "locked", 3000], ["ts", "idle", 3000]);
    expect(outcomes).not.toContain("ended");
  },
  LONG_LIMIT_MS,
);

on(
  "a worker that stands still for longer with a lock ends the server with one line, and the next one has all nodes",
  async () => {
    const results = await Promise.all([runStall("wasm", "insert", 20_000), runStall("ts", "release", 20_000)]);
    for (const result of results) expect(result).toMatchObject({ outcome: "ended", message: HANGS, missing: 0 });
  },
  LONG_LIMIT_MS,
);

on(
  "the command then prints that line, exits with 1, and has all nodes again when it is restarted",
  async () => {
    using folder = new Folder();
    const HANG = folder.at("hang");
    const env = { WHEREABOUTS_JOURNAL: `sqlite:${folder.at("registry.db")}` };
    const args = ["server", "--host", "127.0.0.1", "--port", "0", "--workers", "2", "--log-format", "json"];
    const BUN_OPTIONS = `--preload=${new URL("./hanging-server.ts", import.meta.url).pathname}`;
    const child = start(args, { env: { ...env, BUN_OPTIONS, HANG } });
    const port = Number(/"port":(\d+)/.exec(await new OutputLines(child.stdout).next(/"port":/))![1]);
    await using client = await Client.open(port);
    for (let n = 0; n < 100; n++) client.send(announcement(nodeOf(n).id, nodeOf(n).port));
    {
      using journal = new Database(folder.at("registry.db"), { readonly: true });
      const saved = journal.query<{ entries: number | null }, []>("SELECT sum(entries) AS entries FROM batch");
      await until(() => (saved.get()!.entries ?? 0) >= 100, "the announcements in the journal");
    }
    writeFileSync(HANG, "");
    expect(await child.exited).toBe(1);
    expect(await child.stderr.text()).toBe(`whereabouts: error: ${HANGS}\n`);
    const next = start(args, { env });
    const log = new OutputLines(next.stdout);
    expect(await log.next(/restored/)).toContain('"restored":100');
    next.kill();
    expect(await next.exited).toBe(0);
  },
  LONG_LIMIT_MS,
);
