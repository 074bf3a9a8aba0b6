/** Where the repository is, and links to its files. */
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";

export const ROOT = join(import.meta.dirname, "..");
export const DOCS = "docs";
export const REPOSITORY = "https://github.com/whereabouts-dev/whereabouts";

/** The address of a file or folder of the repository, such as `examples/README.md`. */
export function repositoryLink(path: string): string {
  const file = join(ROOT, path);
  if (!existsSync(file)) throw new Error(`${path}: the repository has no such file`);
  return `${REPOSITORY}/${statSync(file).isDirectory() ? "tree" : "blob"}/main/${path}`;
}

/**
 * Pages link to other files of the repository by relative paths, which work in a checkout and at GitHub. In the site, a link to
 * what is no page leads to the repository.
 */
export function linkToRepository(md: MarkdownRenderer): void {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    const folder = posix.dirname(posix.join(DOCS, env.relativePath));
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" ? token.attrGet("href") : null;
      if (href === null || /^([a-z]+:|#|\/)/.test(href)) continue;
      const [path, anchor] = href.split("#", 2);
      const target = posix.join(folder, path!);
      if (target.startsWith(`${DOCS}/`) && target.endsWith(".md")) continue;
      token.attrSet("href", repositoryLink(target) + (anchor === undefined ? "" : `#${anchor}`));
    }
  });
}
