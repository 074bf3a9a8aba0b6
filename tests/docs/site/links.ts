/** Finds links that lead nowhere: in the HTML of the site, and in the Markdown of the repository. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";

interface HtmlPage {
  readonly title: string;
  readonly description: string;
  /** What an address may name after `#`. */
  readonly ids: ReadonlySet<string>;
  /** Where its links lead. */
  readonly links: readonly string[];
  /** What a browser loads for it. */
  readonly loads: readonly string[];
}

/** The pages of a site, by path. */
export type Site = ReadonlyMap<string, HtmlPage>;

/** Reads all pages of a site. */
export async function readSite(folder: string): Promise<Site> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.html").scan(folder));
  const pages = await Promise.all(
    files.sort().map(async (file) => [file, await readPage(join(folder, file))] as const),
  );
  return new Map(pages);
}

async function readPage(file: string): Promise<HtmlPage> {
  const ids = new Set<string>();
  const links: string[] = [];
  const loads: string[] = [];
  let title = "";
  let description = "";
  new HTMLRewriter()
    .on("[id]", { element: (element) => void ids.add(element.getAttribute("id")!) })
    .on("a[href]", { element: (element) => void links.push(element.getAttribute("href")!) })
    .on("link[href]", { element: (element) => void loads.push(element.getAttribute("href")!) })
    .on("[src]", { element: (element) => void loads.push(element.getAttribute("src")!) })
    .on("meta[name=description]", {
      element(element) {
        description = element.getAttribute("content")!;
      },
    })
    .on("head > title", {
      text({ text }) {
        title += text;
      },
    })
    .transform(await Bun.file(file).text());
  return { title, description, ids, links, loads };
}

/** Each link of a site to a page or a place in it that is not there. `base` is the path at which the site is served. */
export function deadLinksOfSite(site: Site, folder: string, base: string): string[] {
  return [...site].flatMap(([path, { links, loads }]) =>
    [...new Set([...links, ...loads])]
      .filter((href) => {
        const url = new URL(href.replaceAll("&amp;", "&"), `http://site${base}${path}`);
        if (url.host !== "site") return false;
        if (!url.pathname.startsWith(base)) return true;
        const target = decodeURI(url.pathname.slice(base.length)).replace(/^$|\/$/, "$&index.html");
        if (url.hash === "") return !existsSync(join(folder, target));
        return !site.get(target)?.ids.has(decodeURIComponent(url.hash.slice(1)));
      })
      .map((href) => `${path}: ${href}`),
  );
}

/** The anchors of a Markdown file at GitHub. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(markdown).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const text = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "");
    const slug = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

const withoutCode = (markdown: string): string => markdown.replaceAll(/^```[\s\S]*?^```/gm, "");

/** Each link of Markdown files to a file, a folder or a heading that is not there. */
export async function deadLinksOfMarkdown(root: string, files: readonly string[]): Promise<string[]> {
  const texts = new Map<string, Promise<string>>();
  const textOf = (file: string): Promise<string> => {
    const text = texts.get(file) ?? Bun.file(file).text();
    texts.set(file, text);
    return text;
  };
  const dead: string[] = [];
  for (const file of files.map((name) => join(root, name))) {
    const text = withoutCode(await textOf(file)).replaceAll(/`[^`\n]*`/g, "");
    for (const [, href] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(href!)) continue;
      const [path, anchor] = href!.split("#", 2);
      const target = path === "" ? file : join(dirname(file), path!);
      const there = existsSync(target) && !relative(root, target).startsWith("..");
      const found =
        there &&
        (anchor === undefined || (!statSync(target).isDirectory() && anchorsOf(await textOf(target)).has(anchor)));
      if (!found) dead.push(`${posix.relative(root, file)}: ${href}`);
    }
  }
  return dead;
}
