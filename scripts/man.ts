/** Generates the manual page of the command from commander's definitions and help texts. dist.ts writes it to dist/. */
import type { EventEmitter } from "node:events";
import type { Command } from "commander";
import { version } from "../package.json";
import { COMMANDS } from "../src/cli/commands.ts";
import { createProgram, loadAll } from "../src/cli/program.ts";

/** The section after the commands. Each paragraph is one line; indented lines stay as they are. */
const CONFIGURATION = `
A file for whereabouts server is TOML. Its keys are the server's flags without the dashes in front; a flag that may be repeated takes an array. Flags win over variables, and variables over the file. whereabouts server --print-config prints such a file, with where each value comes from.

  host = ["192.0.2.1", "2001:db8::1"]
  source-rate = 250
  limit-dry-run = true
  journal = "redis://valkey.example.org"`;

const ENVIRONMENT = `
Each flag has a variable, which its description names. Empty variables count as not set.

NO_COLOR turns colors off. STATE_DIRECTORY and XDG_STATE_HOME are where the server's journal is by default.`;

const FILES = `
The server's journal is registry.db in $STATE_DIRECTORY, else in $XDG_STATE_HOME/whereabouts, else in ~/.local/state/whereabouts.`;

const EXIT_STATUS = `
0: success; of server: it was stopped; of status: the server is ready; of lookup: all nodes were found.

1: an error; of status: the server is not ready; of lookup: not all nodes were found.

2: wrong use: one line says what is wrong.

3: of status and lookup: no server could be reached.

127: the command needs Bun, and this is Node.`;

/** The page in the format of man(7). It has the date of the build, or of SOURCE_DATE_EPOCH (reproducible-builds.org). */
export async function manPage(): Promise<string> {
  const program = createProgram(await loadAll(COMMANDS));
  const seconds = Bun.env.SOURCE_DATE_EPOCH;
  const date = new Date(seconds === undefined ? Date.now() : Number(seconds) * 1000).toISOString().slice(0, 10);
  const commands = visibleCommands(program);
  const synopsis = commands.map((command) => `.br\n\\fB${roff(usageName(command))}\\fR ${roff(command.usage())}`);
  return [
    `.TH WHEREABOUTS 1 ${date} "whereabouts ${version}" "User Commands"`,
    // No hyphens within names of variables, and no wide gaps in narrow columns.
    ".nh\n.ad l",
    `.SH NAME\nwhereabouts \\- discovery server, its client, and tools for them`,
    `.SH SYNOPSIS\n${synopsis.join("\n").replace(".br\n", "")}`,
    `.SH DESCRIPTION\n${roff(program.description())}`,
    `.SH COMMANDS\n${commands.map(commandSection).join("\n")}`,
    `.SH CONFIGURATION FILE\n${paragraphs(CONFIGURATION)}`,
    `.SH ENVIRONMENT\n${paragraphs(ENVIRONMENT)}`,
    `.SH FILES\n${paragraphs(FILES)}`,
    `.SH EXIT STATUS\n${paragraphs(EXIT_STATUS)}`,
    "",
  ].join("\n");
}

/** The commands that do something, those below others included. */
function visibleCommands(command: Command): Command[] {
  const children = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help");
  return children.flatMap((child) => (child.commands.length > 0 ? visibleCommands(child) : [child]));
}

/** `whereabouts journal export` */
function usageName(command: Command): string {
  return command.parent === null ? command.name() : `${usageName(command.parent)} ${command.name()}`;
}

function commandSection(command: Command): string {
  const help = command.createHelp();
  const visible = help.visibleOptions(command).filter(({ long }) => long !== "--help");
  const groups = help.groupItems([...command.options], visible, (option) => option.helpGroupHeading ?? "Options:");
  const flags = [...groups].flatMap(([title, options]) => [
    ...(groups.size > 1 ? [`.PP\n\\fB${roff(title.replace(/:$/, ""))}\\fR`] : []),
    ...options.map((option) => `.TP\n\\fB${roff(option.flags)}\\fR\n${roff(help.optionDescription(option))}`),
  ]);
  const after = textAfterHelp(command);
  return [
    `.SS ${roff(`${usageName(command)} ${command.usage()}`)}`,
    roff(command.description()),
    ...flags,
    ...(after === "" ? [] : [".PP", paragraphs(after)]),
  ].join("\n");
}

/** What a command adds to its help by `addHelpText("after")`. */
function textAfterHelp(command: Command): string {
  let text = "";
  // commander's types do not tell that a command is an emitter.
  (command as unknown as EventEmitter).emit("afterHelp", {
    command,
    error: false,
    write: (part: string) => {
      text += part;
    },
  });
  return text;
}

/** Text of the help: lines are joined to paragraphs and list items ("- "), but other indented lines stay lines. */
function paragraphs(text: string): string {
  const lines: string[] = [];
  let kind: "text" | "item" | "literal" = "text";
  for (const line of text.trim().split("\n")) {
    const indented = line.startsWith("  ");
    const item = line.startsWith("- ");
    if (item) lines.push(".IP \\(bu 2");
    else if (indented && kind === "text") lines.push(".PP", ".RS 2", ".nf");
    else if (!indented && kind === "literal") lines.push(".fi", ".RE", ".PP");
    else if (!indented && kind === "item") lines.push(".PP");
    if (item || !indented) kind = item ? "item" : "text";
    else if (kind === "text") kind = "literal";
    lines.push(line === "" ? ".PP" : roff(item || indented ? line.slice(2) : line));
  }
  if (kind === "literal") lines.push(".fi", ".RE");
  return lines.filter((line, i) => line !== ".PP" || (lines[i + 1] ?? ".PP") !== ".PP").join("\n");
}

const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** Text without a meaning for roff. A dot at the beginning of a line would be a request. */
function roff(text: string): string {
  return text
    .replace(/[\\\-'"`^~]/g, (c) => SPECIAL[c]!)
    .replace(/[^\0-~]/gu, (c) => `\\[u${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`)
    .replace(/^\./, "\\&.");
}
