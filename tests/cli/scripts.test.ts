// `bun run whereabouts`, as README.md and docs/ have it: what package.json and bunfig.toml make of the command.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";

const ROOT = join(import.meta.dir, "../..");

async function bunRun(...args: string[]) {
  const child = Bun.spawn([process.execPath, "run", ...args], {
    cwd: ROOT,
    env: { ...Bun.env, WHEREABOUTS_JOURNAL: "memory" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

test.each(["docs", "build:binary"])("bun run %s refuses a wrong flag in one line", async (name) => {
  const { out, err, code } = await bunRun("--silent", name, "--nonsense");
  expect({ out, code }).toEqual({ out: "", code: 2 });
  expect(err).toMatch(new RegExp(`^${name}: Unknown option '--nonsense'.*\\n$`));
});

describe("bun run whereabouts", () => {
  test.each([
    [0, ["decode", "1976030900000000"], '{"ok":true,"type":"query","nodeId":null,"nodeIdHex":""}\n', ""],
    [1, ["lookup", "NOBODY", "--server", "SILENT", "--timeout", "0.1"], "NOBODY  not found\n", ""],
    [2, ["frobnicate"], "", "whereabouts: error: unknown command 'frobnicate'\n"],
  ])("prints what the command prints and nothing else, and exits with its code %d", async (code, args, out, err) => {
    // A server that answers nothing.
    await using silent = await Client.open(1);
    const given = args.map((arg) => (arg === "SILENT" ? `127.0.0.1:${silent.port}` : arg));
    expect(await bunRun("whereabouts", ...given)).toEqual({ out, err, code });
  });
});
