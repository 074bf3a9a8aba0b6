#!/usr/bin/env bun
/** The command line: one file a subcommand. Wrong use is one line on standard error and exit 2. */
import { Command, CommanderError } from "commander";
import { description, version } from "../../package.json";
import { announceCommand } from "./announce.ts";
import { benchCommand } from "./bench.ts";
import { decodeCommand } from "./decode.ts";
import { journalCommand } from "./journal.ts";
import { lookupCommand } from "./lookup.ts";
import { serverCommand } from "./server.ts";
import { watchCommand } from "./watch.ts";

const program = new Command("whereabouts")
  .description(description)
  .version(version)
  .addCommand(serverCommand())
  .addCommand(announceCommand())
  .addCommand(lookupCommand())
  .addCommand(watchCommand())
  .addCommand(journalCommand())
  .addCommand(decodeCommand())
  .addCommand(benchCommand());

for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(`whereabouts: ${text.trim().replace(/\s*\n\s*/g, " ")}\n`),
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander ends with 1 when it is used wrongly, and with 0 after a help text that was asked for.
  const wrong = error.code.startsWith("commander.") && error.exitCode !== 0 && error.code !== "commander.error";
  process.exitCode = wrong ? 2 : error.exitCode;
}
