// The help of all commands fits on screens.
import { expect, test } from "bun:test";
import type { Command } from "commander";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createProgram, loadAll } from "../../src/cli/program.ts";
import { MAIN, run } from "../support/command.ts";
import { helpOf } from "../support/help.ts";

/** The parts of a help text: usage, groups of flags, paragraphs. */
function parts(command: Command): string[] {
  return helpOf(command)
    .trim()
    .split(/\n\s*\n/);
}

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

test("each group of flags and each paragraph has at most 24 lines", async () => {
  const commands = all(createProgram(await loadAll(COMMANDS)));
  expect(commands.length).toBeGreaterThan(12);
  for (const command of commands) {
    for (const part of parts(command)) expect(part.split("\n").length, `${command.name()}: ${part}`).toBeLessThan(25);
  }
});

test("the server's flags are in groups, and none is in no group", async () => {
  const server = createProgram(await loadAll(COMMANDS)).commands.find((command) => command.name() === "server")!;
  const titles = parts(server).flatMap((part) => /^(\S.*):\n {2}-/.exec(part)?.[1] ?? []);
  expect(titles).toEqual([
    "Network",
    "Registry",
    "Limits",
    "Journal",
    "Syncthing's global discovery",
    "Admin and log",
    "Configuration",
  ]);
});

test("help names commands of each level, and refuses unknown ones in one line", async () => {
  const [help, flag, whole, unknown, below] = await Promise.all([
    run(["help", "journal", "export"]),
    run(["journal", "export", "--help"]),
    run(["help"]),
    run(["help", "nope"]),
    run(["help", "journal", "nope"]),
  ]);
  expect(help).toMatchObject({ out: flag.out, err: "", code: 0 });
  expect(help.out).toStartWith("Usage: whereabouts journal export [options]\n");
  expect(whole).toMatchObject({ err: "", code: 0, out: expect.stringContaining("\nCommands:\n") });
  expect(unknown).toEqual({ out: "", err: "whereabouts: error: unknown command 'nope'\n", code: 2 });
  expect(below).toEqual({ out: "", err: "whereabouts: error: unknown command 'journal nope'\n", code: 2 });
});

test("help that is not read to its end is no error", async () => {
  const { stdout, stderr } = Bun.spawnSync(["sh", "-c", `"$0" "$1" server --help | true`, process.execPath, MAIN]);
  expect({ out: stdout.toString(), err: stderr.toString() }).toEqual({ out: "", err: "" });
});
