import type { Diagnostics } from "./error.ts";
import { type Macros, preprocess } from "./preprocess.ts";
import type { Position } from "./schema.ts";
import type { ConstSyntax } from "./syntax.ts";

/** A file that the caller must read. */
export interface FileRequest {
  readonly path: string;
  /** The file that includes it; absent for a file that was asked for. */
  readonly from?: string;
  /** Where it is included, or the start of the file itself. */
  readonly at: Position;
}

export interface Source {
  readonly file: string;
  readonly text: string;
  readonly constants: readonly ConstSyntax[];
}

/** How deep includes may nest. Where links or the caller give one file endless paths, they would have no end. */
const MAX_DEPTH = 200;

/**
 * Loads files and all that they include, each once. It yields a request for each file, and is resumed with the text,
 * or with `undefined` if there is no such file. Thus one code serves callers with and without `await`.
 *
 * @returns the files, an included one before the one that includes it
 */
export function* load(
  entries: readonly string[],
  macros: Macros,
  diagnostics: Diagnostics,
): Generator<FileRequest, Source[], string | undefined> {
  const sources: Source[] = [];
  const seen = new Set<string>();
  let depth = 0;
  function* visit(file: string, request: Omit<FileRequest, "path">): Generator<FileRequest, void, string | undefined> {
    if (seen.has(file)) return;
    seen.add(file);
    if (depth === MAX_DEPTH)
      return diagnostics.fail(request.at, `files include each other more than ${MAX_DEPTH} deep`);
    depth += 1;
    // A byte order mark is no part of the source: it would move the columns of the first line.
    const text = (yield { path: file, ...request })?.replace(/^\uFEFF/, "");
    if (text === undefined) return diagnostics.fail(request.at, `there is no file ${file}`);
    diagnostics.addSource(file, text);
    const include = (path: string, at: Position) => visit(resolvePath(path, file), { from: file, at });
    const preprocessed = yield* preprocess(file, text, macros, diagnostics, include);
    sources.push({ file, ...preprocessed });
    depth -= 1;
  }
  for (const entry of entries) {
    const file = resolvePath(entry, "");
    yield* visit(file, { at: { file, line: 1, column: 1 } });
  }
  return sources;
}

/** The path of a file that `from` includes as `path`. It works for URLs too. */
function resolvePath(path: string, from: string): string {
  const absolute = /^(?:[/\\]|[A-Za-z][\w+.-]*:)/.test(path);
  const folder = absolute ? "" : (/^.*[/\\]/s.exec(from)?.[0] ?? "");
  const parts: string[] = [];
  for (const part of `${folder}${path}`.split("/")) {
    const last = parts.at(-1);
    if (part === ".." && last !== undefined && last !== "" && last !== "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/") || ".";
}
