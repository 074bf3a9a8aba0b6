/** What signals do to `whereabouts server`. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { OutputLines, type Running, start, TerminalCommand } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ARGS = ["server", "--host", "127.0.0.1", "--port", "0"];
/** A shell that ignores SIGHUP and becomes the command, as nohup does. */
const NOHUP = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
const linux = testIf(process.platform === "linux", "needs Linux");
/** Makes the command process 1 of a namespace, as in a container. */
const CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const container = testIf(
  Bun.which("unshare") !== null && Bun.spawnSync([...CONTAINER, "true"]).exitCode === 0,
  "needs root and unshare, on Linux",
);

function preload(name: string): Record<string, string> {
  return { BUN_OPTIONS: `--preload=${new URL(name, import.meta.url).pathname}` };
}

const children: Running[] = [];

/** Starts a server, and reads its port from the log. */
async function started(env: Record<string, string> = {}, by: readonly string[] = []) {
  const child = start(ARGS, { env, by });
  children.push(child);
  const out = new OutputLines(child.stdout);
  const line = await out.next(/listens on/);
  return { child, out, port: Number(/:(\d+): /.exec(line)![1]) };
}

// Whatever a signal does, no server may be left.
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function announce(port: number): Promise<void> {
  await using client = await Client.open(port);
  client.send(announcement(ascii("A"), 1));
  expect(await client.ask(query(ascii("A")))).toBeDefined();
}

/** Number of nodes that a server restores from a journal. */
async function restored(journal: string): Promise<number> {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000, journal });
  return server.stats().journal.restored;
}

/** Whether a process catches SIGTERM; otherwise the signal would end it. */
function catchesSigterm(pid: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]!;
  return ((Number.parseInt(mask.slice(-8), 16) >> (constants.signals.SIGTERM - 1)) & 1) === 1;
}

describe("whereabouts server", () => {
  linux("stops after SIGHUP as after SIGTERM: it saves the last announcements, and exits with 0", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    const { child, out, port } = await started({ WHEREABOUTS_JOURNAL: journal });
    await announce(port);
    child.kill("SIGHUP");
    // The kernel and the shell may both send one when a terminal is closed.
    child.kill("SIGHUP");
    expect(await child.exited).toBe(0);
    await out.end;
    expect(out.lines.at(-1)).toContain("stopped by SIGHUP after 2 packets");
    expect(await restored(journal)).toBe(1);
  });

  linux("saves the last announcements when its terminal is closed", async () => {
    using folder = new Folder();
    const journal = `sqlite:${folder.at("registry.db")}`;
    await using shown = new TerminalCommand([...ARGS, "--log-format", "json"], {
      env: { WHEREABOUTS_JOURNAL: journal },
    });
    await until(() => shown.text.includes('"port":'), "the log");
    await announce(Number(/"port":(\d+)/.exec(shown.text)![1]));
    shown.terminal.close();
    expect(await shown.child.exited).toBe(0);
    expect(await restored(journal)).toBe(1);
  });

  linux("goes on after SIGHUP if that was ignored when it started, as under nohup", async () => {
    const { child, port } = await started({}, NOHUP);
    child.kill("SIGHUP");
    await Bun.sleep(300);
    await announce(port);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test.each([
    ["SIGTERM", "SIGTERM", 143],
    ["SIGTERM", "SIGINT", 130],
    ["SIGHUP", "SIGINT", 130],
  ] as const)("that does not get through with its stop after %s is ended by %s", async (first, second, code) => {
    const { child, out } = await started(preload("./endless-stop.ts"));
    child.kill(first);
    await out.next(/^stopping$/);
    // Until then a second signal counts as a duplicate.
    await Bun.sleep(600);
    // A second SIGHUP changes nothing.
    child.kill("SIGHUP");
    child.kill(second);
    expect(await child.exited).toBe(code);
    expect(await child.stderr.text()).toBe(`whereabouts: ended at once by a second signal, ${second}\n`);
  });

  linux("whose control thread hangs is ended by signals, but not when the thread goes on", async () => {
    using folder = new Folder();
    const HANG = folder.at("hang");
    const { child, out } = await started({ ...preload("./hanging-control.ts"), HANG });
    expect(catchesSigterm(child.pid)).toBe(true);
    writeFileSync(HANG, "");
    await until(() => !catchesSigterm(child.pid), "the default action of SIGTERM");
    rmSync(HANG);
    await until(() => catchesSigterm(child.pid), "the handler of SIGTERM");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await out.end;
    expect(out.lines.at(-1)).toContain("stopped by SIGTERM");
  });

  linux("whose control thread hangs is ended by a second signal, if the first came before that was known", async () => {
    using folder = new Folder();
    const HANG = folder.at("hang");
    const { child } = await started({ ...preload("./hanging-control.ts"), HANG });
    writeFileSync(HANG, "");
    await until(() => existsSync(`${HANG}.spins`), "the control thread to spin");
    child.kill("SIGTERM");
    await until(() => !catchesSigterm(child.pid), "the default action of SIGTERM");
    child.kill("SIGINT");
    await child.exited;
    expect(child.signalCode).toBe("SIGINT");
  });

  container(
    "whose control thread hangs is ended by a signal also as process 1, whose default actions the kernel ignores",
    async () => {
      using folder = new Folder();
      const HANG = folder.at("hang");
      const { child } = await started({ ...preload("./hanging-control.ts"), HANG }, CONTAINER);
      const server = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1"));
      writeFileSync(HANG, "");
      await until(() => existsSync(`${HANG}.spins`), "the control thread to spin");
      // Until it is noticed that the thread hangs, signals wait for the thread.
      await until(() => {
        try {
          process.kill(server, "SIGTERM");
        } catch {
          // It has ended.
        }
        return child.exitCode !== null;
      }, "the end of the process");
      expect(await child.exited).toBe(15);
    },
  );
});
