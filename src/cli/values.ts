/** Values of flags: what a person typed, checked and named in one line where it is wrong. */
import { InvalidArgumentError, Option } from "commander";
import ipaddr from "ipaddr.js";
import type { Network } from "../engine/index.ts";

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

/** An address is the network of just that address. */
function network(text: string): Network {
  try {
    const [address, prefix] = text.includes("/") ? ipaddr.parseCIDR(text) : ([ipaddr.parse(text), undefined] as const);
    const v4 = address.kind() === "ipv4";
    const bytes = v4 ? (address as ipaddr.IPv4).toIPv4MappedAddress().toByteArray() : address.toByteArray();
    return { address: Uint8Array.from(bytes), prefix: prefix === undefined ? 128 : prefix + (v4 ? 96 : 0) };
  } catch {
    throw new InvalidArgumentError(`"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address.`);
  }
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
