/** Shared by the commands of the client: the flags of the group and of the network interfaces, and the start. */
import type { Command } from "commander";
import { Discoverer, type DiscovererOptions } from "../client/index.ts";
import { optionErrorText } from "./errors.ts";
import { flag, interfaces } from "./values.ts";

interface Flags {
  readonly group?: string;
  readonly interface?: readonly string[];
}

/** Adds `--group` and `--interface`. */
export function addDiscovererFlags(command: Command): Command {
  return command
    .addOption(
      flag("--group <name>", "only nodes of this group, for instance the name of a program (default: no group)"),
    )
    .addOption(
      flag(
        "--interface <name>",
        "network interface to use on the LAN; may be repeated (default: all but those of containers)",
      ).argParser(interfaces),
    );
}

/** Starts a discoverer, or ends the command with one line: exit code 2 for wrong use, 1 if the network refuses. */
export async function startDiscoverer(
  options: DiscovererOptions & { readonly lan: boolean },
  command: Command,
): Promise<Discoverer> {
  const { group, interface: interfaces } = command.opts<Flags>();
  // The variable may be there for another command.
  if (!options.lan && command.getOptionValueSource("interface") === "cli") {
    command.error("error: --interface needs --lan: it is about the network interfaces of the LAN", { exitCode: 2 });
  }
  try {
    return await Discoverer.start({
      ...options,
      ...(group !== undefined && { group }),
      ...(interfaces && { interfaces }),
    });
  } catch (error) {
    const wrongUse = error instanceof RangeError || error instanceof TypeError;
    return command.error(`error: ${optionErrorText(error as Error, command)}`, { exitCode: wrongUse ? 2 : 1 });
  }
}
