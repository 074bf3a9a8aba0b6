/** The configuration file of the server: TOML, with the flags' names as keys. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { suggestion } from "../../xdr/keys.ts";
import { errorText } from "../errors.ts";
import { visible } from "../terminal/style.ts";
import { isSecret } from "./secrets.ts";

/** The bit of a file's mode by which every user may read it. */
const READ_BY_OTHERS = 0o004;

/** Flags that are about the file itself, and so cannot be in it. */
const NOT_IN_FILE = ["config", "print-config"];

/** The flags that a file can set. */
export function settings(command: Command): Option[] {
  return command.options.filter((option) => !NOT_IN_FILE.includes(option.name()));
}

/**
 * Gives each option that neither a flag nor a variable has set the value of the file that `--config` names, if it names
 * one. An error in the file ends the command with exit code 2, also if a flag overrides the wrong value.
 *
 * @returns a warning, if other users of the machine can read the secrets in the file
 */
export function applyConfig(command: Command): string | undefined {
  const file = command.getOptionValue("config") as string | undefined;
  if (file === undefined) return undefined;
  const { text, mode } = read(file, command);
  const fail = (line: number | undefined, what: string): never => {
    const where = line === undefined ? file : `${file}, line ${line}`;
    return command.error(`error: ${where}: ${what}`, { exitCode: 2 });
  };
  let entries: [string, unknown][];
  try {
    entries = Object.entries(Bun.TOML.parse(text));
  } catch (error) {
    return fail(lineOfError(text), `this is not TOML: ${reason((error as Error).message)}`);
  }
  const options = new Map(settings(command).map((option) => [option.name(), option]));
  let secrets: string | undefined;
  for (const [key, value] of entries) {
    const line = lineOf(text, key);
    if (NOT_IN_FILE.includes(key)) fail(line, `${key} cannot be set in the file: it is a flag only`);
    const option = options.get(key);
    if (option === undefined) return fail(line, unknown(key, value, [...options.keys()]));
    const parsed = parse(option, value, (what) => fail(line, what));
    if (isSecret(option, parsed)) secrets ??= key;
    const source = command.getOptionValueSource(option.attributeName());
    if (source === undefined || source === "default") {
      command.setOptionValueWithSource(option.attributeName(), parsed, "config");
    }
  }
  if (secrets === undefined || (mode & READ_BY_OTHERS) === 0) return undefined;
  return `${file} has a secret (${secrets}), and every user of this machine can read it: run chmod o-r ${file}`;
}

/** The text of a file, and its mode. */
function read(file: string, command: Command): { text: string; mode: number } {
  try {
    const descriptor = openSync(file, "r");
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(descriptor));
      return { text, mode: fstatSync(descriptor).mode };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const why = error instanceof TypeError ? "it is not text in UTF-8" : errorText(error as Error);
    return command.error(`error: the configuration file ${file} cannot be read: ${why}`, { exitCode: 2 });
  }
}

function unknown(key: string, value: unknown, known: readonly string[]): string {
  if (isTable(value)) return `there are no sections: write the keys without [${key}]`;
  // The flags as programs spell them: sourceRate, source_rate.
  const dashed = key.replaceAll("_", "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `unknown key "${key}"${known.includes(dashed) ? `: did you mean "${dashed}"?` : suggestion(key, known)}`;
}

/** What values of an option are in TOML. Text is always right: it is parsed as behind the flag. */
function kindOf({ defaultValue }: Option): "switch" | "number" | "list" | "text" {
  if (typeof defaultValue === "boolean") return "switch";
  if (typeof defaultValue === "number" || defaultValue === "auto") return "number";
  return Array.isArray(defaultValue) ? "list" : "text";
}

const EXPECTED = {
  switch: "true or false",
  number: "a number",
  list: 'text, or an array of texts such as ["a", "b"]',
  text: "text in quotes",
} as const;

/** The value of an option, by the parser of its flag. */
function parse(option: Option, value: unknown, fail: (what: string) => never): unknown {
  const kind = kindOf(option);
  const text = (one: unknown): string => {
    if (typeof one === "string") return one;
    if (typeof one === "number" && kind === "number") return `${one}`;
    if (typeof one === "boolean" && kind === "switch") return one ? "yes" : "no";
    return fail(`${option.name()} must be ${EXPECTED[kind]}, not ${describe(value)}`);
  };
  const texts = kind === "list" && Array.isArray(value) ? value.map(text) : [text(value)];
  let parsed: unknown = kind === "list" ? option.defaultValue : undefined;
  try {
    for (const one of texts) parsed = option.parseArg ? option.parseArg(one, parsed) : one;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const shown = isSecret(option, value) ? option.name() : `${option.name()} = ${Bun.inspect(value)}`;
    return fail(`${shown} is invalid. ${error.message}`);
  }
  return parsed;
}

/** The kind of a value, for an error. The value itself may be a secret. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "this array";
  if (isTable(value)) return "a table";
  if (typeof value === "object") return "a date or a time";
  return { string: "text", number: "a number", boolean: "true or false" }[typeof value as "string"] ?? typeof value;
}

/** Dates and times of TOML are objects too, of classes of their own. */
function isTable(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTable);
  return typeof value === "object" && value !== null && [null, Object.prototype].includes(Object.getPrototypeOf(value));
}

/** Bun's message in one line, without the text that it may quote from the file: that may be a secret. */
function reason(message: string): string {
  const text = message.replace(/^TOML Parse error: /, "");
  if (text.startsWith("Cannot redefine key")) return text.replace("Cannot redefine key", "there are two lines for");
  return visible(text.replace(/: ".*/s, "").replace(/ but found (?!end of file).*/s, ""));
}

/**
 * The line of the first error, from 1 on. Bun does not tell it. All texts that end after that line, and none that ends
 * before, have the same error as the whole.
 */
function lineOfError(text: string): number {
  const lines = text.split("\n");
  const error = (count: number): string | undefined => {
    try {
      // With the newline at its end: without it, Bun words some errors differently.
      Bun.TOML.parse(`${lines.slice(0, count).join("\n")}\n`);
      return undefined;
    } catch (cause) {
      return (cause as Error).message;
    }
  };
  const whole = error(lines.length);
  let last = lines.length;
  while (last > 1 && error(last - 1) === whole) last--;
  return last;
}

/** The line of a key; undefined if it is written in an unusual way. */
function lineOf(text: string, key: string): number | undefined {
  const quoted = [key, `"${key}"`, `'${key}'`];
  const index = text.split("\n").findIndex((line) => {
    const start = line.trim().replace(/^\[+/, "");
    return quoted.some((name) => start.startsWith(name) && /^\s*[=.\]]/.test(start.slice(name.length)));
  });
  return index < 0 ? undefined : index + 1;
}
