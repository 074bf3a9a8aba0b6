/**
 * Terminal sessions of a page: blocks marked `console`. A line that begins with `$ ` is a command, and the lines after it are its
 * output. A block of JavaScript or TypeScript that begins with the comment `// NAME.mjs` (or `.ts`) is a file that commands run.
 *
 * In the output `…` stands for anything, alone on its line for any lines. Times, and addresses of documentation such as
 * 192.168.0.34, stand for any others; so does each number of the server's log and of `status`.
 */
import { blocksOf } from "./pages.ts";

export interface Command {
  readonly words: readonly string[];
  /** What it prints. */
  readonly output: Output;
  /** Whether it goes on until it is stopped. */
  readonly goesOn: boolean;
  /** Such as `docs/start.md, line 30`. */
  readonly where: string;
}

export interface Session {
  /** The page's programs, by the names of their files. */
  readonly files: ReadonlyMap<string, string>;
  readonly commands: readonly Command[];
}

/** The blocks of a page as one session, or `undefined` if it has no `console` block. */
export async function sessionOf(page: string): Promise<Session | undefined> {
  const blocks = await blocksOf(page);
  const named = blocks.map(({ code }) => [/^\/\/ ([\w-]+\.(?:mjs|ts))\n/.exec(code)?.[1], code] as const);
  const files = new Map(named.flatMap(([name, code]) => (name === undefined ? [] : [[name, code] as const])));
  const commands = blocks
    .filter(({ language }) => language === "console")
    .flatMap(({ code, line }) =>
      commandsOf(code).map(({ text, output }) => {
        const words = wordsOf(text);
        return {
          words,
          output: new Output(output, words.includes("server") || words.includes("status")),
          goesOn: goesOn(words, files),
          where: `${page}, line ${line}: ${text}`,
        };
      }),
    );
  return commands.length === 0 ? undefined : { files, commands };
}

function commandsOf(code: string): { text: string; output: string }[] {
  const [before, ...parts] = code.split(/^\$ /m);
  if (before !== "") throw new Error(`a console block must begin with "$ ": ${before}`);
  return parts.map((part) => {
    const end = part.indexOf("\n");
    return { text: part.slice(0, end), output: part.slice(end + 1).replace(/\n+$/, "\n") };
  });
}

/** The words of a command line, without its comment. */
export function wordsOf(command: string): string[] {
  const words = command.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith("#"));
  return words.slice(0, comment < 0 ? undefined : comment).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

function goesOn(words: readonly string[], files: ReadonlyMap<string, string>): boolean {
  const program = files.get(words[1] ?? "");
  if (program === undefined) return words.some((word) => /^(server|announce|watch|--watch)$/.test(word));
  return program.includes(".start(") && !program.includes("close()");
}

/** Output as a page shows it. */
export class Output {
  readonly #pattern: string;

  constructor(
    readonly text: string,
    anyNumbers: boolean,
  ) {
    let pattern = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    pattern = pattern.replace(/\d{4}-\d\d-\d\d[T ][\d:]+(\\[.+]\d+)*(:\d+)?Z?/g, "<time>");
    pattern = pattern.replace(/\b(192\\\.168\\\.0|192\\\.0\\\.2)\\\.\d+/g, "<address>");
    if (anyNumbers) pattern = pattern.replace(/\d[\d,]*/g, "\\d[\\d,]*").replace(/ {2,}/g, " +");
    pattern = pattern.replaceAll("<time>", "[\\d:T.+-]+").replaceAll("<address>", "[\\w.:%[\\]]+");
    this.#pattern = pattern.replace(/^…\n/gm, "(?:.*\\n)*").replaceAll("…", ".*");
  }

  /** Whether this is all of it. */
  matches(printed: string): boolean {
    return new RegExp(`^${this.#pattern}$`).test(printed);
  }

  /** Whether it begins like this; a line may be there several times, as a packet that is sent again. */
  begins(printed: string): boolean {
    return new RegExp(`^${this.#pattern.replace(/^(?!\(\?:).+\n/gm, "(?:$&)+")}`).test(printed);
  }
}
