/** The environment variables of all commands: their names, and warnings about names that no command knows. */
import type { Command } from "commander";
import { nearestName } from "../xdr/keys.ts";

const PREFIX = "WHEREABOUTS_";

/** Kubernetes sets these for a service named "whereabouts"; nobody mistyped them. */
const SERVICE_LINK = /^(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;

/**
 * The variable of a flag: `WHEREABOUTS_MAX_ID_LENGTH` for `--max-id-length`.
 *
 * @param command - a command whose flag means something else than the server's flag of the same name; it becomes part of
 *   the variable's name
 */
export function variableOf(flag: string, command?: string): string {
  const name = flag.replace(/^--/, "").replaceAll("-", "_");
  return `${PREFIX}${command === undefined ? "" : `${command}_`}${name}`.toUpperCase();
}

/** Removes empty variables, which count as not set: `${X:-}` in a compose file makes them, and commander takes them for values. */
export function removeEmptyVariables(): void {
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith(PREFIX) && value === "") delete process.env[name];
  }
}

/**
 * A sentence for each WHEREABOUTS_… variable in the environment that no command of the program knows.
 *
 * @param others - variables of commands that are not loaded
 */
export function unknownVariables(program: Command, others: readonly string[] = []): string[] {
  const known = [...variables(program), ...others].map((name) => name.slice(PREFIX.length));
  return Object.keys(process.env)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !known.includes(name) && !SERVICE_LINK.test(name))
    .map((name) => {
      // The names are compared without the prefix, which would make any two of them similar.
      const near = nearestName(name, known) ?? known.find((other) => name.endsWith(`_${other}`));
      const hint =
        near === undefined ? '"whereabouts COMMAND --help" names those of a command' : `did you mean ${PREFIX}${near}?`;
      return `unknown variable ${PREFIX}${name} is ignored: ${hint}`;
    });
}

/** The variables of a command and of all commands below it. */
function variables(command: Command): string[] {
  return [...command.options.flatMap(({ envVar }) => envVar ?? []), ...command.commands.flatMap(variables)];
}

/** How an error begins that is about the value of a variable. */
export function invalidVariable(name: string, value: string): string {
  return `${name}="${value}" is invalid.`;
}

/** Replaces commander's wording for variables: it names the flag before one that is wrong, and none if a flag is missing. */
export function nameVariable(message: string, command: Command): string {
  const missing = /required option '([^']*)' not specified/.exec(message)?.[1];
  const variable = command.options.find(({ flags }) => flags === missing)?.envVar;
  if (variable !== undefined) return `${message}: give it, or set ${variable}`;
  return message.replace(/option '[^']*' value '(.*)' from env '(\w+)' is invalid\./s, (_, value, name) =>
    invalidVariable(name, value),
  );
}
