/** A server that gets hardly any processor time, or none for a while. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Client } from "../support/client.ts";
import { OutputLines, start } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { nodeOf } from "../support/nodes.ts";
import { announcement, query } from "../support/packets.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

/** Busy loops on one processor: more of them use no more time, but leave less for the server. */
const LOOPS = 2;
const NODES = 300;
/** Several times the second after which a silent worker is replaced, unless the process is starved. */
const LEAST_MS = 5000;
/** The test waits for so many, however long that takes. */
const LEAST_ANSWERS = 100;
/** Without the warning that the system grants a smaller receive buffer. */
const QUIET = ["--receive-buffer", "65536", "--log-format", "json"];

const on = testIf(process.platform === "linux", "needs Linux");
const hasTaskset = process.platform === "linux" && Bun.which("taskset") !== null;

/**
 * Gives all threads of a process, and those that they start, the lowest priority on one processor, with busy loops beside them.
 * @returns the loops. They end by themselves, if the test does not end them.
 */
function starve(pid: number): Bun.Subprocess[] {
  const processor = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
  expect(Bun.spawnSync(["taskset", "-a", "-c", "-p", processor, `${pid}`]).exitCode).toBe(0);
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 19);
  const loop = ["timeout", "150", "taskset", "-c", processor, "sh", "-c", "while :; do :; done"];
  return Array.from({ length: LOOPS }, () => Bun.spawn(loop));
}

on(
  "a server that was stopped as a whole for 3 s goes on with the same workers",
  async () => {
    const child = start(["server", "--host", "127.0.0.1", "--port", "0", "--workers", "3", ...QUIET]);
    const out = new OutputLines(child.stdout);
    const port = Number(/"port":(\d+)/.exec(await out.next(/"port":/))![1]);
    child.kill("SIGSTOP");
    await Bun.sleep(3000);
    child.kill("SIGCONT");
    // Time enough for a wrong decision.
    await Bun.sleep(1500);
    await using client = await Client.open(port);
    client.send(announcement(nodeOf(0).id, 1));
    expect(await client.ask(query(nodeOf(0).id))).toBeDefined();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await out.end;
    expect(out.lines.filter((line) => !line.includes('"INFO"'))).toEqual([]);
  },
  LONG_LIMIT_MS,
);

testIf(hasTaskset, "needs Linux, taskset")(
  "a server with the lowest priority beside busy loops serves slowly, and no worker is declared dead",
  async () => {
    const args = ["server", "--host", "127.0.0.1", "--port", "0", "--workers", "3", ...QUIET];
    const child = start(args);
    const out = new OutputLines(child.stdout);
    const port = Number(/"port":(\d+)/.exec(await out.next(/"port":/))![1]);
    // Only now, since the start alone would take minutes.
    const loops = starve(child.pid);
    try {
      const clients = await Promise.all(Array.from({ length: 12 }, () => Client.open(port)));
      let answered = 0;
      const end = performance.now() + LEAST_MS;
      for (let n = 0; n < NODES || performance.now() < end || answered < LEAST_ANSWERS; n++) {
        const { id, port: nodePort } = nodeOf(n % NODES);
        for (const client of clients) {
          client.send(announcement(id, nodePort));
          client.send(query(id));
          answered += client.replies.splice(0).length;
        }
        await Bun.sleep(10);
      }
      for (const client of clients) client.close();
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
      await out.end;
      // No line says that a worker was replaced, or anything else that is wrong, but for what so slow a server does to its clients.
      const expected = /"INFO"|"problem":"(?:kernel-drops|limits)"/;
      expect(out.lines.filter((line) => !expected.test(line))).toEqual([]);
    } finally {
      for (const loop of loops) loop.kill();
    }
  },
  LONG_LIMIT_MS,
);
