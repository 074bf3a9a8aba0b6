/** Code blocks of README.md and docs/*.md, as they stand there. */
import { join } from "node:path";
import type { Example } from "./examples.ts";

const ROOT = join(import.meta.dir, "../..");

interface Block {
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

/** The block of code in README.md that has `text` in it. */
export async function readmeBlock(language: string, text: string): Promise<string> {
  const blocks = await blocksOf("README.md");
  const found = blocks.find((block) => block.language === language && block.code.includes(text));
  if (!found) throw new Error(`the README has no block of ${language} with ${text}`);
  return found.code;
}

/** All blocks of JavaScript and TypeScript in README.md and docs/*.md. */
export async function snippets(): Promise<Snippet[]> {
  const files = ["README.md", ...new Bun.Glob("docs/*.md").scanSync(ROOT)].sort();
  const blocks = await Promise.all(files.map(async (file) => (await blocksOf(file)).map((block) => ({ file, block }))));
  return blocks.flat().flatMap(({ file, block: { language, code, line } }) => {
    const [, kind] = /^[cm]?(js|ts|javascript|typescript)$/.exec(language) ?? [];
    if (kind === undefined) return [];
    const name = `${file}, line ${line}`;
    // A file without an import or export is no module, and may not use `await`.
    const checked = `${code}export {};\n`;
    return [{ name, file: `${name.replace(/\W+/g, "-")}.ts`, code: checked, plain: kind.startsWith("j") }];
  });
}

async function blocksOf(file: string): Promise<Block[]> {
  const text = await Bun.file(join(ROOT, file)).text();
  return [...text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```/gm)].map(({ index, 1: language, 2: code }) => ({
    language: language!,
    code: code!,
    line: text.slice(0, index).split("\n").length,
  }));
}
