import { checkArray, wrongKind } from "../check.ts";
import { checkKeys } from "../keys.ts";
import { checkTypes } from "./check.ts";
import { Diagnostics, XdrCompileError } from "./error.ts";
import { type FileRequest, load, type Source } from "./load.ts";
import { parseSource } from "./parser.ts";
import type { Macros } from "./preprocess.ts";
import { resolve } from "./resolve.ts";
import type { Schema } from "./schema.ts";
import type { DefinitionSyntax } from "./syntax.ts";

/** Options of {@link parseFiles} and {@link parseFilesSync}. */
export interface ParseOptions {
  /**
   * Names that are defined for `#ifdef` and the like, as with `-D` of a C compiler. One with a number is a constant
   * too: this is for constants that the files take from the headers of a C program.
   */
  readonly defines?: { readonly [name: string]: number | bigint | true };
}

/**
 * Returns the text of a file, or `undefined` if there is no such file. Its `path` is that which was asked for; that of an
 * included file is relative to the folder of the file that includes it, which is `from`. Paths are without `.` and `..` as
 * far as possible.
 */
export type ReadFile<Text> = (path: string, from: string | undefined) => Text;

/**
 * Parses the files of a schema, and all that they include with `#include`. Files that are given together see each
 * other's definitions, as if they were one file.
 *
 * @param files - the paths of the files, as `read` understands them
 * @param read - reads a file
 * @param options - names that are defined
 * @returns the schema, with all names resolved
 * @throws {@link XdrCompileError} if a file is missing, or its source is wrong
 * @throws {TypeError} if an argument or an option is of the wrong type
 * @throws {RangeError} if a number in `defines` is not an integer
 * @example
 * ```ts
 * const files = new Map([
 *   ["point.x", "struct point { int x; int y; };"],
 *   ["line.x", '#include "point.x"\ntypedef point line<>;'],
 * ]);
 * const schema = await parseFiles(["line.x"], async (path) => files.get(path));
 * schema.types.map(({ name }) => name); // => ["point", "line"]
 * ```
 */
export async function parseFiles(
  files: readonly string[],
  read: ReadFile<string | undefined | Promise<string | undefined>>,
  options: ParseOptions = {},
): Promise<Schema> {
  const compilation = new Compilation(files, read, options);
  for (let next = compilation.start(); next; ) {
    let text: string | undefined;
    try {
      text = await read(next.path, next.from);
    } catch (error) {
      compilation.failToRead(next, error);
    }
    next = compilation.resume(text);
  }
  return compilation.finish();
}

/**
 * Like {@link parseFiles}, for a `read` that returns the text at once.
 *
 * @param files - the paths of the files, as `read` understands them
 * @param read - reads a file
 * @param options - names that are defined
 * @returns the schema, with all names resolved
 * @throws {@link XdrCompileError} if a file is missing, or its source is wrong
 * @throws {TypeError} if an argument or an option is of the wrong type
 * @throws {RangeError} if a number in `defines` is not an integer
 * @example
 * ```ts
 * const schema = parseFilesSync(["point.x"], () => "struct point { int x; int y; };");
 * schema.types[0]?.name; // => "point"
 * ```
 */
export function parseFilesSync(
  files: readonly string[],
  read: ReadFile<string | undefined>,
  options: ParseOptions = {},
): Schema {
  const compilation = new Compilation(files, read, options);
  for (let next = compilation.start(); next; ) {
    let text: string | undefined;
    try {
      text = read(next.path, next.from);
    } catch (error) {
      compilation.failToRead(next, error);
    }
    next = compilation.resume(text);
  }
  return compilation.finish();
}

class Compilation {
  readonly #diagnostics = new Diagnostics();
  readonly #outer: Macros;
  readonly #loading: Generator<FileRequest, Source[], string | undefined>;
  #sources: readonly Source[] = [];

  constructor(files: readonly string[], read: unknown, options: ParseOptions) {
    checkArray("files", files);
    if (typeof read !== "function") wrongKind("read", read, "a function");
    checkKeys("options", options, ["defines"]);
    this.#outer = new Map(Object.entries(options.defines ?? {}).map(([name, value]) => [name, macro(name, value)]));
    this.#loading = load(files, new Map(this.#outer), this.#diagnostics);
  }

  /** Returns the first file to be read. */
  start(): FileRequest | undefined {
    return this.resume(undefined);
  }

  /** Takes the text of the file that was requested, and returns the next file to be read. */
  resume(text: string | undefined): FileRequest | undefined {
    const { done, value } = this.#loading.next(text);
    if (!done) return value;
    this.#sources = value;
    return undefined;
  }

  failToRead({ path, at }: FileRequest, cause: unknown): never {
    return this.#diagnostics.fail(at, `${path} cannot be read: ${messageOf(cause)}`, cause);
  }

  finish(): Schema {
    const diagnostics = this.#diagnostics;
    const definitions = this.#sources.flatMap((source) => inOrder([...source.constants, ...this.#parse(source)]));
    diagnostics.check();
    const outer = [...this.#outer].flatMap(([name, value]) => (value === true ? [] : [[name, value] as const]));
    const { constants, types } = resolve(definitions, outer, diagnostics);
    diagnostics.check();
    const ordered = checkTypes(types, diagnostics);
    diagnostics.check();
    return { files: this.#sources.map(({ file }) => file), constants, types: ordered };
  }

  /** Parses a file. A syntax error in it does not hide those of other files. */
  #parse({ file, text }: Source): DefinitionSyntax[] {
    try {
      return parseSource(file, text, this.#diagnostics);
    } catch (error) {
      if (error instanceof XdrCompileError) return [];
      throw error;
    }
  }
}

/** Sorts the definitions of a file by their places. */
function inOrder(definitions: DefinitionSyntax[]): DefinitionSyntax[] {
  return definitions.sort(({ position: a }, { position: b }) => a.line - b.line || a.column - b.column);
}

function macro(name: string, value: number | bigint | true): bigint | true {
  if (value === true || typeof value === "bigint") return value;
  if (typeof value !== "number") wrongKind(`defines.${name}`, value, "a number, a bigint or true");
  if (!Number.isSafeInteger(value)) throw new RangeError(`defines.${name}: expected an integer, got ${value}`);
  return BigInt(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
