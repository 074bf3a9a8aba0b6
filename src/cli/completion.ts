/** `whereabouts completion`: prints a script by which a shell completes commands, flags and their values. */
import { Argument, Command } from "commander";
import { bashCompletion } from "./completion/bash.ts";
import { describeCommands } from "./completion/commands.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";
import { print } from "./terminal/output.ts";

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

const HELP = `
The script completes the commands of this runtime: under Node, those that need Bun have no flags.

Examples, for this shell and for all later ones:
  eval "$(whereabouts completion bash)"
  whereabouts completion bash > ~/.local/share/bash-completion/completions/whereabouts
  eval "$(whereabouts completion zsh)"
  whereabouts completion zsh > ~/.zfunc/_whereabouts    (a folder of $fpath)
  whereabouts completion fish | source
  whereabouts completion fish > ~/.config/fish/completions/whereabouts.fish`;

export function completionCommand(): Command {
  return new Command("completion")
    .description("Print a script that completes commands, flags and their values in a shell.")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(async (shell: keyof typeof SCRIPTS, _flags: object, command: Command) => {
      const program = command.parent!;
      await print(SCRIPTS[shell](program.name(), describeCommands(program)));
    });
}
