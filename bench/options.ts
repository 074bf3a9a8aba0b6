/**
 * Command-line flags of the benches, the fuzzer and the soak tests. One parser, so that all of them answer `--help`
 * with exit code 0 and refuse a wrong flag with one line and exit code 2.
 */
import { nearestName } from "../src/xdr/keys.ts";

export interface Flag<T> {
  /** Stands for the value in the help text: `<n>`. Undefined for a switch, which takes no value. */
  readonly value?: string;
  readonly help: string;
  /** The option's value if the flag is not given. */
  readonly default: T;
  /**
   * @param earlier - the value so far, if the flag was given before
   * @throws {Error} with the rest of the sentence that starts with the flag's name: `must be a whole number`
   */
  parse(text: string, earlier?: T): T;
}

type Flags = Readonly<Record<string, Flag<unknown>>>;

export type ValuesOf<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never };

export interface Program<F extends Flags> {
  /** How it is started: `bun run bench:lookup`. */
  readonly command: string;
  /** What it does; lines of up to 100 columns. */
  readonly about: string;
  readonly flags: F;
  /** The flag whose value may also be given without the flag's name. */
  readonly positional?: keyof F & string;
}

/** The command line is wrong. The message is one line. */
export class UsageError extends Error {}

export function toggle(help: string): Flag<boolean> {
  return { help, default: false, parse: () => true };
}

export function text<D>(given: { default: D; value: string; help: string }): Flag<string | D> {
  return { ...given, help: withDefault(given), parse: (text) => text };
}

interface Range {
  readonly min: number;
  readonly max?: number;
}

export function wholeNumber<D>(given: Range & { default: D; help: string }): Flag<number | D> {
  return { value: "<n>", help: withDefault(given), default: given.default, parse: (text) => whole(text, given) };
}

/** One or several whole numbers, separated by commas. The result is sorted and has no duplicates. */
export function wholeNumbers<D>(given: Range & { default: D; help: string }): Flag<readonly number[] | D> {
  return {
    value: "<list>",
    help: withDefault(given),
    default: given.default,
    parse: (text) => [...new Set(text.split(",").map((part) => whole(part, given)))].sort((a, b) => a - b),
  };
}

/** A number of seconds above 0, or from 0 on where `zero` is set. */
export function seconds<D>(given: { default: D; help: string; zero?: boolean }): Flag<number | D> {
  return {
    value: "<s>",
    help: withDefault(given),
    default: given.default,
    parse(text) {
      const value = numberOf(text);
      if (value <= MAX_SECONDS && (value > 0 || (given.zero === true && value === 0))) return value;
      throw new Error(`must be ${given.zero ? "from 0" : "above 0 and up"} to ${MAX_SECONDS} seconds, not "${text}"`);
    },
  };
}

const MAX_SECONDS = 1_000_000;

/** One of `names`. */
export function oneOf<const T extends string, const D>(given: {
  names: readonly T[];
  value: string;
  default: D;
  help: string;
}): Flag<T | D> {
  return { value: given.value, help: withDefault(given), default: given.default, parse: (text) => named(text, given) };
}

/** One or several of `names`, separated by commas or with the flag repeated. The result is in the order of `names`. */
export function someOf<T extends string, D extends readonly T[] | undefined>(given: {
  names: readonly T[];
  value: string;
  default: D;
  help: string;
}): Flag<readonly T[] | D> {
  return {
    value: given.value,
    help: given.help,
    default: given.default,
    parse(text, earlier) {
      const chosen = new Set([...(earlier ?? []), ...text.split(",").map((part) => named(part, given))]);
      return given.names.filter((name) => chosen.has(name));
    },
  };
}

function withDefault({ default: value, help }: { default: unknown; help: string }): string {
  return value === undefined ? help : `${help} (default: ${value})`;
}

function numberOf(text: string): number {
  return /^\d/.test(text) ? Number(text) : Number.NaN;
}

function whole(text: string, { min, max }: Range): number {
  const value = numberOf(text);
  if (Number.isSafeInteger(value) && value >= min && value <= (max ?? value)) return value;
  throw new Error(
    `must be a whole number ${max === undefined ? `of ${min} or more` : `from ${min} to ${max}`}, not "${text}"`,
  );
}

function named<T extends string>(text: string, { names }: { names: readonly T[] }): T {
  const name = names.find((name) => name === text);
  if (name !== undefined) return name;
  throw new Error(`must be one of ${names.join(", ")}, not "${text}"`);
}

/**
 * Reads the command line. Ends the process for `--help` (exit code 0) and for a wrong command line (one line, exit code
 * 2).
 *
 * @param finish - turns the flags' values into options; may throw a {@link UsageError} for flags that exclude each
 * other
 */
export function optionsOf<F extends Flags, T = ValuesOf<F>>(
  program: Program<F>,
  finish: (values: ValuesOf<F>) => T = (values) => values as T,
): T {
  try {
    const values = parseFlags(program, process.argv.slice(2));
    if (values !== undefined) return finish(values);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${nameOf(program)}: ${error.message}; for all flags: ${program.command} --help`);
    process.exit(2);
  }
  console.log(helpOf(program));
  process.exit(0);
}

/** How a program calls itself in front of an error: `bench:lookup`. */
export function nameOf({ command }: { readonly command: string }): string {
  return command.slice(command.lastIndexOf(" ") + 1);
}

/**
 * @returns the values by the flags' names; `undefined` if help is asked for
 * @throws {UsageError}
 */
export function parseFlags<F extends Flags>(
  { flags, positional }: Program<F>,
  args: readonly string[],
): ValuesOf<F> | undefined {
  if (args.some((arg) => arg === "--help" || arg === "-h")) return undefined;
  const given = new Map<string, unknown>();
  const take = (name: string, text: string) => {
    try {
      given.set(name, flags[name]!.parse(text, given.get(name)));
    } catch (error) {
      throw new UsageError(`--${name} ${(error as Error).message}`);
    }
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      if (arg.startsWith("-")) throw unknown(arg, flags);
      if (positional === undefined || given.has(positional)) throw new UsageError(`unexpected argument "${arg}"`);
      take(positional, arg);
      continue;
    }
    if (!Object.hasOwn(flags, name)) throw unknown(`--${name}`, flags);
    const { value } = flags[name]!;
    if (value === undefined) {
      if (inline !== undefined) throw new UsageError(`--${name} takes no value`);
      take(name, "");
      continue;
    }
    const text = inline ?? args[++i];
    if (text === undefined || (inline === undefined && text.startsWith("-"))) {
      throw new UsageError(`--${name} needs a value, ${value}`);
    }
    take(name, text);
  }
  const values = Object.entries(flags).map(([name, flag]) => [name, given.has(name) ? given.get(name) : flag.default]);
  return Object.fromEntries(values) as ValuesOf<F>;
}

function unknown(flag: string, flags: Flags): UsageError {
  const nearest = nearestName(
    flag,
    Object.keys(flags).map((name) => `--${name}`),
  );
  return new UsageError(`unknown flag ${flag}${nearest === undefined ? "" : `, did you mean ${nearest}?`}`);
}

export function helpOf<F extends Flags>({ command, about, flags, positional }: Program<F>): string {
  const lines = Object.entries(flags).map(([name, { value, help }]) => [
    value ? `--${name} ${value}` : `--${name}`,
    help,
  ]);
  lines.push(["-h, --help", "print this text"]);
  const width = Math.max(...lines.map(([flag]) => flag!.length)) + 2;
  const indented = (help: string) => help.replaceAll("\n", `\n${" ".repeat(width + 2)}`);
  return [
    `Usage: ${command} [options]${positional === undefined ? "" : ` [${positional}]`}`,
    "",
    about,
    "",
    ...lines.map(([flag, help]) => `  ${flag!.padEnd(width)}${indented(help!)}`),
  ].join("\n");
}
