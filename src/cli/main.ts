#!/usr/bin/env bun
/** The command line: one file per subcommand. Wrong use ends with one line on standard error and exit code 2. */
import { Command, CommanderError } from "commander";
import { description, version } from "../../package.json";
import { announceCommand } from "./announce.ts";
import { benchCommand } from "./bench.ts";
import { decodeCommand } from "./decode.ts";
import { nameVariable, removeEmptyVariables, unknownVariables } from "./environment.ts";
import { journalCommand } from "./journal.ts";
import { lookupCommand } from "./lookup.ts";
import { serverCommand } from "./server.ts";
import { printError } from "./terminal/output.ts";
import { visible } from "./terminal/style.ts";
import { watchCommand } from "./watch.ts";

const program = new Command("whereabouts")
  .description(description)
  .version(version)
  .addHelpText(
    "after",
    "\nA flag that is not given is read from the environment variable that the command's help names.",
  )
  .addCommand(serverCommand())
  .addCommand(announceCommand())
  .addCommand(lookupCommand())
  .addCommand(watchCommand())
  .addCommand(journalCommand())
  .addCommand(decodeCommand())
  .addCommand(benchCommand());

for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      const line = nameVariable(text.trim()).replace(/\s*\n\s*/g, " ");
      write(`whereabouts: ${visible(line)}\n`);
    },
  });
}

removeEmptyVariables();
program.hook("preAction", (_program, command) => {
  // The server writes these warnings to its log.
  if (command.name() === "server") return;
  for (const warning of unknownVariables(program)) printError(`whereabouts: warning: ${visible(warning)}`);
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander's own exit code for wrong use is 1. "commander.error" is an error of ours, with an exit code of its own.
  const wrongUse = error.code.startsWith("commander.") && error.exitCode !== 0 && error.code !== "commander.error";
  process.exitCode = wrongUse ? 2 : error.exitCode;
}
