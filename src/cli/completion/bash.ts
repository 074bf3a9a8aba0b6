/** Completion for bash, also for the bash 3.2 of macOS. */
import type { CommandInfo, FlagInfo } from "./commands.ts";

export function bashCompletion(name: string, commands: readonly CommandInfo[]): string {
  const paths = commands.filter(({ path }) => path.length > 0).map(({ path }) => `"${path.join(" ")}"`);
  return `# Completion of ${name} for bash: eval "$(${name} completion bash)"
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path= words= files= flags= i IFS=$'\\n'
  # Bash takes the = of --flag=value for a word of its own.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${paths.join(" | ")}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case $path in
${commands.map(branch).join("\n")}
  esac
  # Flags are offered only after a dash, if there is something else to offer.
  if [[ $cur == -* || -z $words$files ]]; then words=$flags files=; fi
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "\${words// /$IFS}" -- "$cur"))
  fi
}
complete -F _${name} ${name}
`;
}

/** Sets the words for one command, or returns if the value of a flag is to be completed that can be anything. */
function branch({ path, flags, children, choices, takes }: CommandInfo): string {
  const names = (which: FlagInfo["value"]) => flags.filter(({ value }) => value === which).map(({ long }) => long);
  const words = [...children.map(({ name }) => name), ...choices].join(" ");
  const values = [
    ...flags
      .filter(({ value }) => value === "choices")
      .map(({ long, choices }) => `        ${long}) words="${choices.join(" ")}" flags= ;;`),
    ...(names("file").length > 0 ? [`        ${names("file").join(" | ")}) files=1 flags= ;;`] : []),
    ...(names("other").length > 0 ? [`        ${names("other").join(" | ")}) return ;;`] : []),
  ];
  const all = flags.map(({ long }) => long).join(" ");
  const otherwise = `        *) words="${words}" files=${takes === "files" ? 1 : ""} flags="${all}" ;;`;
  return [`    "${path.join(" ")}")`, "      case $prev in", ...values, otherwise, "      esac ;;"].join("\n");
}
