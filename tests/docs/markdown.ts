/** Documentation comments: what they say, tag by tag. */

interface Tag {
  readonly name: string;
  readonly text: string;
}

export interface Docs {
  /** What stands before the first tag. */
  readonly summary: string;
  readonly tags: readonly Tag[];
}

/** How an example states what comes of a statement, behind it: see examples.ts. */
export const STATED = /\/\/ (=>|throws) (.+)/;

/** Takes a comment apart. An `@` inside a fenced block is code. */
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

/** The texts of all tags of that name. */
export function tagged(docs: Docs | undefined, name: string): string[] {
  return (docs?.tags ?? []).filter((tag) => tag.name === name).map(({ text }) => text);
}

/** The code of an `@example`, or undefined where it is not one fenced block of TypeScript. */
export function exampleCode(text: string): string | undefined {
  return /^[^`]*```ts\n([\s\S]*?)\n```[^`]*$/.exec(text)?.[1];
}
