/**
 * Command-line flags of the benches, the fuzzer and the soak tests: one way to declare them, parsed by commander. All of
 * them answer `--help` with exit code 0, and refuse a wrong flag with one line and exit code 2.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

export interface Flag<T> {
  /** Stands for the value in the help text: `<n>`. Undefined for a switch, which takes no value. */
  readonly value?: string;
  readonly help: string;
  /** The option's value if the flag is not given. */
  readonly default: T;
  /**
   * @param earlier - the value so far, if the flag was given before
   * @throws {Error} that says what is expected: `It must be a whole number`
   */
  parse(text: string, earlier?: T): T;
}

/** Columns of the help text. */
const HELP_WIDTH = 120;

type Flags = Readonly<Record<string, Flag<unknown>>>;

export type ValuesOf<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never };

export interface Program<F extends Flags> {
  /** How it is started: `bun run bench:lookup`. */
  readonly command: string;
  /** Description for the help text; lines of up to 100 columns. */
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
      throw new Error(`It must be ${given.zero ? "from 0" : "above 0 and up"} to ${MAX_SECONDS} seconds`);
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
  throw new Error(`It must be a whole number ${max === undefined ? `of ${min} or more` : `from ${min} to ${max}`}`);
}

function named<T extends string>(text: string, { names }: { names: readonly T[] }): T {
  const name = names.find((name) => name === text);
  if (name !== undefined) return name;
  throw new Error(`It must be one of ${names.join(", ")}`);
}

/**
 * Reads the command line. Ends the process for `--help` (exit code 0) and for a wrong command line (one line, exit code 2).
 *
 * @param finish - turns the flags' values into options; may throw a {@link UsageError} for flags that exclude each other
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
export function parseFlags<F extends Flags>(program: Program<F>, args: readonly string[]): ValuesOf<F> | undefined {
  const { flags, positional } = program;
  const given = new Map<string, unknown>();
  const take = (name: string) => (text: string) => {
    try {
      given.set(name, flags[name]!.parse(text, given.get(name)));
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  const command = commandOf(program);
  for (const option of command.options) {
    const name = option.long!.slice(2);
    if (option.required) option.argParser(take(name));
    else command.on(`option:${option.name()}`, () => given.set(name, true));
  }
  if (positional !== undefined) command.argument(`[${positional}]`, "", take(positional));
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return undefined;
    throw new UsageError(error.message.replace(/^error: |\.$/g, "").replace(/\s*\n\s*/g, " "));
  }
  const values = Object.entries(flags).map(([name, flag]) => [name, given.has(name) ? given.get(name) : flag.default]);
  return Object.fromEntries(values) as ValuesOf<F>;
}

export function helpOf<F extends Flags>(program: Program<F>): string {
  return commandOf(program).helpInformation().trimEnd();
}

function commandOf<F extends Flags>({ command: name, about, flags, positional }: Program<F>): Command {
  const command = new Command(name)
    .usage(positional === undefined ? "[options]" : `[options] [${positional}]`)
    .description(about)
    .helpOption("-h, --help", "print this text")
    .configureHelp({ helpWidth: HELP_WIDTH })
    .configureOutput({ writeOut() {}, writeErr() {} })
    .allowExcessArguments(false)
    .exitOverride();
  for (const [flag, { value, help }] of Object.entries(flags)) {
    command.addOption(new Option(value === undefined ? `--${flag}` : `--${flag} ${value}`, help));
  }
  return command;
}
