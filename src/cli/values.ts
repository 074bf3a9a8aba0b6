/** Values of flags: what a person typed, checked and named in one line where it is wrong. */
import { type Command, InvalidArgumentError, Option } from "commander";
import ipaddr from "ipaddr.js";
import { parseServer } from "../client/index.ts";
import type { Network } from "../engine/index.ts";

/** Bytes of the longest NodeID that fits into a packet. */
export const MAX_NODE_ID = 1008;

/** A flag whose environment variable is WHEREABOUTS_ and its name. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`WHEREABOUTS_${option.long!.slice(2).replaceAll("-", "_").toUpperCase()}`);
}

/** A flag that is on when it is given. Its variable may also say no, which a plain one of commander's takes for yes. */
export function toggle(name: string, description: string): Option {
  return flag(`${name} [yes]`, description)
    .preset("yes")
    .default(false)
    .argParser((text) => {
      if (["yes", "true", "1"].includes(text)) return true;
      if (["no", "false", "0"].includes(text)) return false;
      throw new InvalidArgumentError("It must be yes or no.");
    });
}

/** A parser of whole numbers in a range. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** A parser of whole numbers in a range, for which `auto` may stand. */
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

/** A parser of numbers, fractions included. */
export function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least) {
      throw new InvalidArgumentError(`It must be a number of ${least} or more.`);
    }
    return value;
  };
}

/** Collects networks from a list with commas, and from the flag given again. */
export function networks(text: string, before: readonly Network[] = []): Network[] {
  return [...before, ...text.split(",").map((part) => network(part.trim()))];
}

/** An address is the network of just that address. IPv4 is four decimal numbers: ipaddr.js takes 10/8 for 0.0.0.10/8. */
function network(text: string): Network {
  const [address = "", prefix] = text.split("/");
  const v4 = ipaddr.IPv4.isValidFourPartDecimal(address);
  const bits = v4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  const known = v4 || (address.includes(":") && ipaddr.IPv6.isValid(address) && !address.includes("%"));
  if (!known || (prefix !== undefined && !/^\d+$/.test(prefix)) || length > bits || text.split("/").length > 2) {
    throw new InvalidArgumentError(`"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address.`);
  }
  const bytes = v4 ? ipaddr.IPv4.parse(address).toIPv4MappedAddress() : ipaddr.IPv6.parse(address);
  return { address: Uint8Array.from(bytes.toByteArray()), prefix: length + 128 - bits };
}

/** A network as it is written for {@link networks}. */
export function networkText({ address, prefix }: Network): string {
  const v6 = ipaddr.fromByteArray([...address]) as ipaddr.IPv6;
  if (v6.isIPv4MappedAddress() && prefix >= 96) return `${v6.toIPv4Address()}/${prefix - 96}`;
  return `${v6.toRFC5952String()}/${prefix}`;
}

/** A parser for a flag of which only some values are there yet. */
export function only<T extends string>(...values: readonly T[]): (text: string) => T {
  return (text) => {
    if (!(values as readonly string[]).includes(text)) {
      throw new InvalidArgumentError(`This version has ${values.map((value) => `"${value}"`).join(" and ")} only.`);
    }
    return text as T;
  };
}

/** A parser of seconds, fractions included. */
export function seconds(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a number of seconds from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Collects servers from a list with commas, and from the flag given again. They stay as they were written. */
export function servers(text: string, before: readonly string[] = []): string[] {
  const parts = text.split(",").map((part) => part.trim());
  for (const part of parts) {
    try {
      parseServer(part);
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message}.`);
    }
  }
  return [...new Set([...before, ...parts])];
}

/** The bytes of a NodeID that was typed. */
export function nodeId(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0 || bytes.length > MAX_NODE_ID) {
    throw new InvalidArgumentError(`A NodeID has 1 to ${MAX_NODE_ID} bytes, not ${bytes.length}.`);
  }
  return bytes;
}

/**
 * Whether a plain flag is on. It takes no value, so that a NodeID may stand behind it; yet its variable may say no, which
 * commander would take for yes.
 */
export function isOn(command: Command, name: string): boolean {
  if (command.getOptionValueSource(name) !== "env") return command.getOptionValue(name) === true;
  const { envVar, flags } = command.options.find((option) => option.attributeName() === name)!;
  const text = Bun.env[envVar!]!;
  if (["yes", "true", "1"].includes(text)) return true;
  if (["no", "false", "0", ""].includes(text)) return false;
  const what = `option '${flags}' value '${text}' from env '${envVar}'`;
  return command.error(`error: ${what} is invalid. It must be yes or no.`, { exitCode: 2 });
}
