/** The commands and their flags as the completion scripts need them, from commander's definitions. */
import type { Command, Option } from "commander";

export interface CommandInfo {
  /** The words that name it: none for the program itself, `["journal", "export"]`. */
  readonly path: readonly string[];
  readonly flags: readonly FlagInfo[];
  /** The commands below it. */
  readonly children: readonly { readonly name: string; readonly summary: string }[];
  /** Values of its arguments, if it takes only these. */
  readonly choices: readonly string[];
  /** What its arguments are. */
  readonly takes: "nothing" | "files" | "anything";
}

export interface FlagInfo {
  /** `--port`. */
  readonly long: string;
  /** `-h` */
  readonly short: string | undefined;
  readonly summary: string;
  /** `none` for a switch, also for one that may be followed by yes or no. */
  readonly value: "none" | "choices" | "file" | "other";
  readonly choices: readonly string[];
  readonly repeatable: boolean;
}

/** Names of values in the definitions that are files: `--config <file>`, `[file]`. */
const FILE = /^(?:file|path)$/;

/** All commands, the program first. Flags and commands that the help does not show are left out. */
export function describeCommands(command: Command, path: readonly string[] = []): CommandInfo[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  // The argument of "help" is another command.
  const isHelp = path.at(-1) === "help";
  const info: CommandInfo = {
    path,
    flags: help.visibleOptions(command).map(flagInfo),
    children: children.map((child) => ({ name: child.name(), summary: summary(child.description()) })),
    choices: isHelp ? [] : (argument?.argChoices ?? []),
    takes: argument === undefined ? "nothing" : FILE.test(argument.name()) ? "files" : "anything",
  };
  return [info, ...children.flatMap((child) => describeChild(child, path, children))];
}

function describeChild(child: Command, path: readonly string[], siblings: readonly Command[]): CommandInfo[] {
  const infos = describeCommands(child, [...path, child.name()]);
  if (child.name() !== "help") return infos;
  const choices = siblings.map((sibling) => sibling.name()).filter((name) => name !== "help");
  return infos.map((info) => ({ ...info, flags: [], choices }));
}

function flagInfo(option: Option): FlagInfo {
  const placeholder = /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? "";
  const value = !option.required ? "none" : option.argChoices ? "choices" : FILE.test(placeholder) ? "file" : "other";
  return {
    long: option.long!,
    short: option.short,
    summary: summary(option.description),
    value,
    choices: option.argChoices ?? [],
    repeatable: /may be repeated/.test(option.description),
  };
}

/** What stands before the first semicolon, colon or full stop: enough for one line of a menu. */
function summary(description: string): string {
  return description.split(/[;:] | \(|\. |\.$/)[0]!;
}
