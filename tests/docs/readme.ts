/** What README.md shows, as it stands there. */
import { join } from "node:path";

const README = join(import.meta.dir, "../../README.md");

/** The block of code that has `text` in it. */
export async function readmeBlock(language: string, text: string): Promise<string> {
  const readme = await Bun.file(README).text();
  const blocks = [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  const found = blocks.find(([, kind, code]) => kind === language && code!.includes(text));
  if (!found) throw new Error(`the README has no block of ${language} with ${text}`);
  return found[2]!;
}
