/** Completion for zsh. Works as a file in a folder of $fpath, and by eval. */
import type { CommandInfo, FlagInfo } from "./commands.ts";

export function zshCompletion(name: string, commands: readonly CommandInfo[]): string {
  return `#compdef ${name}
# Completion of ${name} for zsh: eval "$(${name} completion zsh)" after compinit, or as the file _${name} in a folder of $fpath
${commands.map((command) => commandFunction(name, command)).join("\n")}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function functionName(name: string, path: readonly string[]): string {
  return ["", name, ...path].join("_");
}

/** A function that completes one command. The commands below it have functions of their own. */
function commandFunction(name: string, { path, flags, children, choices, takes }: CommandInfo): string {
  const specs = flags.map(flagSpec);
  if (choices.length > 0) specs.push(`'1: :(${choices.join(" ")})'`);
  else if (takes === "files") specs.push("'*:file:_files'");
  // An action that does nothing. Without one, zsh shows a message and completes no flag after the first argument.
  else if (takes === "anything") specs.push("'*: :{:}'");
  const list = (lines: readonly string[]) => lines.map((line) => `    ${line} \\\n`).join("");
  if (children.length === 0) {
    return `${functionName(name, path)}() {\n  _arguments \\\n${list(specs)}    && return\n}\n`;
  }
  const described = children.map((child) => quote(`${child.name}:${child.summary}`));
  const branches = children.map((child) => `        ${child.name}) ${functionName(name, [...path, child.name])} ;;`);
  return `${functionName(name, path)}() {
  local curcontext=$curcontext state line
  local -a commands=(${described.join(" ")})
  _arguments -C \\
${list([...specs, "'1: :->command'", "'*:: :->arguments'"])}    && return
  case $state in
    command) _describe command commands ;;
    arguments)
      case $words[1] in
${branches.join("\n")}
      esac ;;
  esac
}
`;
}

function flagSpec({ long, short, summary, value, choices, repeatable }: FlagInfo): string {
  const text = `[${summary.replace(/[[\]\\:]/g, "\\$&")}]`;
  const action = { none: "", choices: `: :(${choices.join(" ")})`, file: ":file:_files", other: ": : " }[value];
  const once = repeatable ? "*" : "";
  const names = [long, ...(short === undefined ? [] : [short])];
  // "=" after a name: the value may also be the next word.
  const equals = value === "none" ? "" : "=";
  return names
    .map((name) => quote(`${once}${names.length > 1 ? `(${names.join(" ")})` : ""}${name}${equals}${text}${action}`))
    .join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
