/** Code blocks of README.md and docs/*.md, as they stand there. */
import { join } from "node:path";
import type { Example } from "./examples.ts";

const ROOT = join(import.meta.dir, "../..");

export interface Block {
  /** The page that has it, such as `docs/start.md`. */
  readonly page: string;
  /** The word after the opening fence: `ts`, `sh`. */
  readonly language: string;
  readonly code: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
}

/** A code block in JavaScript or TypeScript, as an example that the compiler can check. */
export interface Snippet extends Example {
  /** Whether the block is marked as JavaScript, and so must not use TypeScript's syntax. */
  readonly plain: boolean;
}

/** README.md, then all pages of docs/. */
export const PAGES = ["README.md", ...[...new Bun.Glob("docs/*.md").scanSync(ROOT)].sort()];

export const pageText = (page: string): Promise<string> => Bun.file(join(ROOT, page)).text();

/** The blocks of a page, in order. */
export async function blocksOf(page: string): Promise<Block[]> {
  const text = await pageText(page);
  return [...text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```/gm)].map(({ index, 1: language, 2: code }) => ({
    page,
    language: language!,
    code: code!,
    line: text.slice(0, index).split("\n").length,
  }));
}

/** All blocks in these languages that have `text` in them: those of README.md first. There is at least one. */
export async function blocksWith(languages: RegExp, text: string): Promise<Block[]> {
  const blocks = (await Promise.all(PAGES.map(blocksOf))).flat();
  const found = blocks.filter((block) => languages.test(block.language) && block.code.includes(text));
  if (found.length === 0) throw new Error(`no page has a block of ${languages} with ${text}`);
  return found;
}

/** The only block of a page with `text` in it. */
export async function blockOf(page: string, text: string): Promise<string> {
  const [found, ...more] = (await blocksOf(page)).filter(({ code }) => code.includes(text));
  if (found === undefined || more.length > 0) throw new Error(`${page} must have one block with ${text}`);
  return found.code;
}

/** All blocks of JavaScript and TypeScript in README.md and docs/*.md. */
export async function snippets(): Promise<Snippet[]> {
  const blocks = (await Promise.all(PAGES.map(blocksOf))).flat();
  return blocks.flatMap(({ page, language, code, line }) => {
    const [, kind] = /^[cm]?(js|ts|javascript|typescript)$/.exec(language) ?? [];
    if (kind === undefined) return [];
    const name = `${page}, line ${line}`;
    // A file without an import or export is no module, and may not use `await`.
    const checked = `${code}export {};\n`;
    return [{ name, file: `${name.replace(/\W+/g, "-")}.ts`, code: checked, plain: kind.startsWith("j") }];
  });
}
