import type { Command } from "commander";

/** The text that `--help` prints, at 100 columns. */
export function helpOf(command: Command): string {
  let text = "";
  const writeOut = (part: string) => {
    text += part;
  };
  command.configureOutput({ getOutHelpWidth: () => 100, writeOut }).outputHelp();
  return text;
}
