/** `whereabouts server --print-config`: the values in force as a configuration file, each with where it comes from. */
import type { Command, Option } from "commander";
import { version } from "../../../package.json";
import { formatNetwork, type Network } from "../../server/index.ts";
import { UNPRINTABLE, visible } from "../terminal/style.ts";
import { settings } from "./config.ts";
import { isSecret, withoutPassword } from "./secrets.ts";

/** The lines of the file. It has no secrets: their lines are comments. */
export function configLines(command: Command): string[] {
  return [
    `# whereabouts ${version}: the values in force, and where each comes from`,
    ...settings(command).map((option) => line(option, command)),
  ];
}

function line(option: Option, command: Command): string {
  const value: unknown = command.getOptionValue(option.attributeName());
  const from = visible(source(option, command));
  if (value === undefined) return `# ${option.name()} is not set`;
  if (isSecret(option, value)) {
    const shown = option.attributeName() === "journal" ? withoutPassword(value as string) : "***";
    return `# ${toml(option, shown)}  # ${from}; secret, so not printed: set it again`;
  }
  return `${toml(option, value)}  # ${from}`;
}

function toml(option: Option, value: unknown): string {
  // Only networks are no texts.
  const text = (one: unknown) => (typeof one === "string" ? one : formatNetwork(one as Network));
  const plain = Array.isArray(value) ? value.map(text) : value;
  // TOML allows characters in texts that a terminal does not show, or that change it.
  return Bun.TOML.stringify({ [option.name()]: plain })
    .trim()
    .replace(UNPRINTABLE, (c) => `\\U${c.codePointAt(0)!.toString(16).padStart(8, "0")}`);
}

/** Where the value in force comes from. */
function source(option: Option, command: Command): string {
  switch (command.getOptionValueSource(option.attributeName())) {
    case "cli":
      return `flag ${option.long}`;
    case "env":
      return `variable ${option.envVar}`;
    case "config":
      return `file ${command.getOptionValue("config")}`;
    default:
      return option.defaultValueDescription === undefined ? "default" : `default: ${option.defaultValueDescription}`;
  }
}
