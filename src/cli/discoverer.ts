/** Shared by the commands of the client: the flags of the group and of the network interfaces, and the start. */
import type { Command } from "commander";
import type { Discoverer, DiscovererOptions } from "../client/index.ts";
import type { SyncthingDiscoverer } from "../syncthing/index.ts";
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
  const { group } = command.opts<Flags>();
  const flags = { ...(group !== undefined && { group }), ...interfacesFlag(options.lan, command) };
  const { Discoverer } = await import("../client/index.ts");
  return await orEnd(() => Discoverer.start({ ...options, ...flags }), command);
}

/** As {@link startDiscoverer}, for devices of Syncthing. It does not announce, so it needs no certificate. */
export async function startDeviceDiscoverer(
  options: { readonly servers?: readonly string[]; readonly lan: boolean },
  command: Command,
): Promise<SyncthingDiscoverer> {
  // The variable may be there for another command.
  if (command.getOptionValueSource("group") === "cli") {
    command.error("error: --group is about nodes: devices of Syncthing have no groups", { exitCode: 2 });
  }
  const flags = interfacesFlag(options.lan, command);
  const { SyncthingDiscoverer } = await import("../syncthing/index.ts");
  return await orEnd(() => SyncthingDiscoverer.start({ ...options, ...flags }), command);
}

function interfacesFlag(lan: boolean, command: Command): { interfaces?: readonly string[] } {
  const { interface: interfaces } = command.opts<Flags>();
  // The variable may be there for another command.
  if (!lan && command.getOptionValueSource("interface") === "cli") {
    command.error("error: --interface needs --lan: it is about the network interfaces of the LAN", { exitCode: 2 });
  }
  return interfaces === undefined ? {} : { interfaces };
}

async function orEnd<T>(start: () => Promise<T>, command: Command): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const wrongUse = error instanceof RangeError || error instanceof TypeError;
    return command.error(`error: ${optionErrorText(error as Error, command)}`, { exitCode: wrongUse ? 2 : 1 });
  }
}
