/** Flags, and parsers for their values. A parser's error is one line that says what a value must be. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import { parseServer } from "../client/servers/address.ts";
import { parseHostAndPort } from "../syncthing/directory/host-and-port.ts";
import { parseGlobalUrl } from "../syncthing/global/url.ts";
import { invalidVariable, variableOf } from "./environment.ts";

/** A flag with its environment variable; {@link variableOf} explains `command`. */
export function flag(flags: string, description: string, command?: string): Option {
  const option = new Option(flags, description);
  return option.env(variableOf(option.long!, command));
}

/**
 * A switch, off unless `on` is true. Its variable may be yes or no; commander's own switches are on for any text, "no"
 * included.
 */
export function toggle(name: string, description: string, on = false): Option {
  return flag(`${name} [yes|no]`, description)
    .default(on, on ? "yes" : "no")
    .argParser((text) => {
      const value = yesOrNo(text);
      if (value === undefined) throw new InvalidArgumentError(YES_OR_NO);
      return value;
    });
}

const YES_OR_NO = "It must be yes or no.";

function yesOrNo(text: string): boolean | undefined {
  if (["yes", "true", "1"].includes(text)) return true;
  return ["no", "false", "0"].includes(text) ? false : undefined;
}

/** For a number that is written as programmers do, such as 1e3 or 0x10: what is wrong is only that. */
function inDigits(text: string): string {
  return /[a-z_]/i.test(text) && Number.isFinite(Number(text.replaceAll("_", ""))) ? ", in decimal digits only" : "";
}

/** Parses whole numbers in a range. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}${inDigits(text)}.`);
    }
    return value;
  };
}

/** Parses whole numbers in a range, or `auto`. */
export function wholeOrAuto(least: number, most: number): (text: string) => number | "auto" {
  const parse = whole(least, most);
  return (text) => {
    if (text === "auto") return text;
    try {
      return parse(text);
    } catch {
      throw new InvalidArgumentError(`It must be "auto", or a whole number from ${least} to ${most}.`);
    }
  };
}

/** Parses decimal numbers from `least` on. */
export function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least) {
      throw new InvalidArgumentError(`It must be a number of ${least} or more${inDigits(text)}.`);
    }
    return value;
  };
}

/** Parses names, separated by commas, and adds them to those of an earlier flag. The library checks them. */
export function names(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(",").map((part) => part.trim())];
}

/** Parses names of network interfaces as {@link names} does. */
export function interfaces(text: string, before?: readonly string[]): string[] {
  const all = names(text, before);
  if (all.includes("")) throw new InvalidArgumentError("It must be the name of a network interface, such as eth0.");
  return all;
}

/** Parses one of some names; an alias is replaced by the name it stands for. */
export function oneOf<T extends string>(
  names: readonly T[],
  aliases: Readonly<Record<string, T>>,
): (text: string) => T {
  return (text) => {
    const name = Object.hasOwn(aliases, text) ? aliases[text] : names.find((known) => known === text);
    if (name === undefined) throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
    return name;
  };
}

/** Parses seconds in a range, fractions included. */
export function seconds(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a number of seconds from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Checks servers of nodes, separated by commas, and adds them, as typed, to those of an earlier flag. */
export function servers(text: string, before?: readonly string[]): string[] {
  return checkedServers(text, before, (server) => {
    if (isUrl(server)) throw new RangeError("a URL stands for a server of Syncthing's devices, which only lookup asks");
    parseServer(server);
  });
}

/** Checks servers as {@link servers} does. Servers of Syncthing's devices may be among them, which are https:// URLs. */
export function anyServers(text: string, before?: readonly string[]): string[] {
  return checkedServers(text, before, (server) => (isUrl(server) ? parseGlobalUrl(server) : parseServer(server)));
}

function checkedServers(text: string, before: readonly string[] = [], check: (server: string) => unknown): string[] {
  const parts = text.split(",").map((part) => part.trim());
  for (const part of parts) {
    try {
      check(part);
    } catch (error) {
      const { message } = error as Error;
      const sentence = message.charAt(0).toUpperCase() + message.slice(1);
      throw new InvalidArgumentError(sentence.endsWith("?") ? sentence : `${sentence}.`);
    }
  }
  return [...new Set([...before, ...parts])];
}

/** Whether a server is one of Syncthing's devices. */
export function isUrl(server: string): boolean {
  return server.includes("://");
}

/** The bytes of a typed NodeID. */
export function nodeId(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0 || bytes.length > MAX_ID_LENGTH) {
    throw new InvalidArgumentError(`A NodeID has 1 to ${MAX_ID_LENGTH} bytes, not ${bytes.length}.`);
  }
  return bytes;
}

/**
 * Whether a switch is on that takes no value: unlike {@link toggle}'s, it may stand before an argument of the command.
 * commander takes any text of its variable for yes, so the variable is read here.
 */
export function isOn(command: Command, name: string): boolean {
  if (command.getOptionValueSource(name) !== "env") return command.getOptionValue(name) === true;
  const { envVar } = command.options.find((option) => option.attributeName() === name)!;
  const text = process.env[envVar!]!;
  return yesOrNo(text) ?? command.error(`error: ${invalidVariable(envVar!, text)} ${YES_OR_NO}`, { exitCode: 2 });
}

/** Checks the address of an HTTP server: `off`, or `HOST:PORT` with an IPv6 address in brackets. */
export function listenAddress(examples: string): (text: string) => string {
  return (text) => {
    if (text === "off" || parseHostAndPort(text) !== undefined) return text;
    throw new InvalidArgumentError(`It must be HOST:PORT, such as ${examples}, or off.`);
  };
}
