/** Completion for fish. */
import type { CommandInfo, FlagInfo } from "./commands.ts";

export function fishCompletion(name: string, commands: readonly CommandInfo[]): string {
  const paths = commands.filter(({ path }) => path.length > 0).map(({ path }) => quote(path.join(" ")));
  return `# Completion of ${name} for fish: ${name} completion fish | source
# Whether the words before the cursor name this command.
function __${name}_at
    set -l command
    for word in (commandline -opc)[2..-1]
        contains -- (string join -- ' ' $command $word) ${paths.join(" ")}
        and set command $command $word
    end
    test "$command" = "$argv"
end
complete -c ${name} -f
${commands.map((command) => lines(name, command).join("\n")).join("\n")}
`;
}

function lines(name: string, { path, flags, children, choices, takes }: CommandInfo): string[] {
  const start = `complete -c ${name} -n ${quote(`__${name}_at ${path.join(" ")}`.trim())}`;
  return [
    ...children.map((child) => `${start} -a ${child.name} -d ${quote(child.summary)}`),
    ...(choices.length > 0 ? [`${start} -a ${quote(choices.join(" "))}`] : []),
    ...(takes === "files" ? [`${start} -F`] : []),
    ...flags.map((flag) => `${start} ${flagWords(flag)}`),
  ];
}

function flagWords({ long, short, summary, value, choices }: FlagInfo): string {
  const names = `-l ${long.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
  const rest = { none: "", choices: ` -x -a ${quote(choices.join(" "))}`, file: " -r -F", other: " -x" }[value];
  return `${names}${rest} -d ${quote(summary)}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
