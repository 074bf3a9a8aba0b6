/** Parses documentation comments into a summary and tags. */

interface Tag {
  readonly name: string;
  readonly text: string;
}

export interface Docs {
  /** The text before the first tag. */
  readonly summary: string;
  readonly tags: readonly Tag[];
}

/** A stated result after a statement of an example: see examples.ts. */
export const STATED = /\/\/ (=>|throws) (.+)/;

/** Parses a comment. An `@` inside a fenced code block does not start a tag. */
export function parseDocs(comment: string): Docs {
  const lines = comment
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const tags = [{ name: "", lines: [] as string[] }];
  let fenced = false;
  for (const line of lines) {
    const [, name, rest] = (!fenced && /^\s*@(\w+)\s*(.*)$/.exec(line)) || [];
    if (name !== undefined) tags.push({ name, lines: [rest!] });
    else tags.at(-1)!.lines.push(line);
    if (line.includes("```")) fenced = !fenced;
  }
  const [summary, ...rest] = tags.map(({ name, lines }) => ({ name, text: lines.join("\n").trim() }));
  return { summary: summary!.text, tags: rest };
}

/** The texts of all tags with this name. */
export function tagged(docs: Docs | undefined, name: string): string[] {
  return (docs?.tags ?? []).filter((tag) => tag.name === name).map(({ text }) => text);
}

/** The code of an `@example`; `undefined` if it is not one fenced block of TypeScript. */
export function exampleCode(text: string): string | undefined {
  return /^[^`]*```ts\n([\s\S]*?)\n```[^`]*$/.exec(text)?.[1];
}
