// The help of all commands fits on screens.
import { expect, test } from "bun:test";
import type { Command } from "commander";
import { allCommands } from "../../src/cli/commands.ts";
import { createProgram } from "../../src/cli/program.ts";

/** The parts of a help text, at 100 columns: usage, groups of flags, paragraphs. */
function parts(command: Command): string[] {
  let text = "";
  const writeOut = (part: string) => {
    text += part;
  };
  command.configureOutput({ getOutHelpWidth: () => 100, writeOut }).outputHelp();
  return text.trim().split(/\n\s*\n/);
}

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

test("each group of flags and each paragraph has at most 24 lines", () => {
  const commands = all(createProgram(allCommands()));
  expect(commands.length).toBeGreaterThan(12);
  for (const command of commands) {
    for (const part of parts(command)) expect(part.split("\n").length, `${command.name()}: ${part}`).toBeLessThan(25);
  }
});

test("the server's flags are in groups, and none is in no group", () => {
  const server = createProgram(allCommands()).commands.find((command) => command.name() === "server")!;
  const titles = parts(server).flatMap((part) => /^(\S.*):\n {2}-/.exec(part)?.[1] ?? []);
  expect(titles).toEqual(["Network", "Registry", "Limits", "Journal", "Admin and log", "Configuration"]);
});
