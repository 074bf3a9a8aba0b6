/** The command line, given its commands. Wrong use ends with one line on standard error and exit code 2. */
import { Command, CommanderError } from "commander";
import { description, version } from "../../package.json";
import { SERVER_VARIABLES } from "./bun-commands.ts";
import { nameVariable, removeEmptyVariables, unknownVariables } from "./environment.ts";
import { printError } from "./terminal/output.ts";
import { visible } from "./terminal/style.ts";

/** How each command is loaded, by its name. The program loads only what it needs: a command may import much. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** Loads all commands. */
export function loadAll(commands: Commands): Promise<Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}

/** Loads the commands that these words need: the one that they name, or all for the help. */
async function loadNeeded(commands: Commands, [first = ""]: readonly string[]): Promise<Command[]> {
  if (first === "--version" || first === "-V") return [];
  // The script of "completion" is about all commands.
  const load = first !== "completion" && Object.hasOwn(commands, first) ? commands[first] : undefined;
  return load === undefined ? await loadAll(commands) : [await load()];
}

/** The program with these commands. */
export function createProgram(commands: readonly Command[]): Command {
  const program = new Command("whereabouts")
    .description(description)
    .version(version)
    .addHelpText(
      "after",
      "\nA flag that is not given is read from the environment variable that the command's help names.",
    );
  for (const command of commands) program.addCommand(command);
  return program;
}

/** Runs the command that the arguments of the process name. */
export async function runProgram(commands: Commands): Promise<void> {
  const words = process.argv.slice(2);
  const program = createProgram(await loadNeeded(commands, words));
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        // Nobody may read it to the end: whereabouts --help | head.
        if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
        process.stdout.write(text);
      },
      outputError: (text, write) => {
        const line = nameVariable(text.trim(), command).replace(/\s*\n\s*/g, " ");
        write(`whereabouts: ${visible(line)}\n`);
      },
    });
  }

  removeEmptyVariables();
  program.hook("preAction", async (_program, command) => {
    // Usually only variables of this command or of a server are set. Then the other commands need not be loaded.
    if (unknownVariables(program, SERVER_VARIABLES).length === 0) return;
    for (const other of await loadAll(commands)) {
      if (!program.commands.some((loaded) => loaded.name() === other.name())) program.addCommand(other);
    }
    // The server writes these warnings to its log.
    if (command.name() === "server") return;
    for (const warning of unknownVariables(program)) printError(`whereabouts: warning: ${visible(warning)}`);
  });

  try {
    await program.parseAsync(withHelpFlag(words, program), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander's own exit code for wrong use is 1. "commander.error" is an error of ours, with an exit code of its own.
    const wrongUse = error.code.startsWith("commander.") && error.exitCode !== 0 && error.code !== "commander.error";
    process.exitCode = wrongUse ? 2 : error.exitCode;
  }
}

/** `help journal export` as `journal export --help`: commander's own "help" knows one word only, and ignores a wrong one. */
function withHelpFlag(words: readonly string[], program: Command): string[] {
  if (words[0] !== "help" || words.length === 1) return [...words];
  let command = program;
  for (const word of words.slice(1)) {
    const below = command.commands.find((child) => child.name() === word);
    if (below === undefined) program.error(`error: unknown command '${words.slice(1).join(" ")}'`, { exitCode: 2 });
    command = below;
  }
  return [...words.slice(1), "--help"];
}
