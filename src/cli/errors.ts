/** Error texts for people: system errors in words, and wrong values named after the flag or variable they came from. */
import type { Command } from "commander";
import { builtin } from "../client/builtin.ts";
import { visible } from "./terminal/style.ts";

/** Texts for the errors that a user can do something about; the system's own text is used for all others. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "nothing listens on that port",
  EHOSTUNREACH: "the host cannot be reached",
  EISDIR: "it is a folder",
  ENETDOWN: "the network is down",
  ENETUNREACH: "there is no route to that network",
  ENOSPC: "the disk is full",
  ENOTFOUND: "the name is unknown",
  EPERM: "not permitted (a firewall may block it)",
};

/** The meaning of a system error code in words; `undefined` for codes that are not the system's. */
function reasonFor(code: string | undefined): string | undefined {
  if (code === undefined) return undefined;
  if (Object.hasOwn(REASONS, code)) return REASONS[code];
  // Loaded on use: every command imports this file.
  const errors = builtin<typeof import("node:util")>("node:util").getSystemErrorMap();
  return [...errors.values()].find(([name]) => name === code)?.[1];
}

/** A code after the words that explain it: `the name does not resolve (ENOTFOUND)`. */
const EXPLAINED = / \(E[A-Z0-9_]+\)/g;

/** The message of an error in one printable line, with words in place of `getaddrinfo ENOTFOUND …` or `EINVAL: …`. */
export function errorText(error: Error): string {
  const message = error.message.replaceAll(EXPLAINED, "");
  // Bun's resolver writes DNS_ENOTFOUND, but ENOTFOUND in the message.
  const code = (error as NodeJS.ErrnoException).code?.replace(/^DNS_/, "");
  const reason = reasonFor(code);
  if (reason === undefined) return visible(message);
  // A word before the code is the system call. A replacement given as text would have to escape "$".
  return visible(message.replace(new RegExp(`(?:\\w+ )?\\b${code}\\b.*$`, "s"), () => reason));
}

/** Ends the command with exit code 1 if reading standard input or writing standard output failed; rethrows other errors. */
export function failOnStreamError(error: unknown, command: Command): never {
  if (!(error instanceof Error && "syscall" in error)) throw error;
  const what = error.syscall === "write" ? "standard output cannot be written" : "standard input cannot be read";
  return command.error(`error: ${what}: ${errorText(error)}`, { exitCode: 1 });
}

/** The variable, or the key of the configuration file, that set an option; `undefined` if a flag or the default did. */
function setBy(command: Command, key: string): string | undefined {
  const option = command.options.find((candidate) => candidate.attributeName() === key);
  switch (command.getOptionValueSource(key)) {
    case "env":
      return option?.envVar;
    case "config":
      return `${option?.name()} in ${visible(command.getOptionValue("config"))}`;
    default:
      return undefined;
  }
}

/**
 * The text of an error that libraries raise for the values of flags, in the command line's terms: `sourceRate must be …`
 * becomes `--source-rate must be …`, or `WHEREABOUTS_SOURCE_RATE must be …` or `source-rate in whereabouts.toml must be …`
 * if the value came from there.
 *
 * @param keys - options that may have caused an error whose message starts with no option's name; those that a variable
 *   or a file set are added to the text
 */
export function optionErrorText(error: Error, command: Command, keys: readonly string[] = []): string {
  const text = errorText(error);
  const key = (error as { option?: string }).option ?? /^\w+/.exec(text)?.[0];
  const option = command.options.find((candidate) => candidate.attributeName() === key);
  if (option !== undefined && /^\w+:? /.test(text)) {
    return (setBy(command, key!) ?? option.long!) + text.slice(key!.length);
  }
  const candidates = option === undefined ? keys : [key!];
  const origins = candidates.flatMap((name) => setBy(command, name) ?? []);
  return origins.length === 0 ? text : `${text} (set by ${origins.join(" and ")})`;
}
