import { readdirSync } from "node:fs";
import { join } from "node:path";
import { slug } from "github-slugger";
import { type DefaultTheme, defineConfig, type Plugin } from "vitepress";
import { HOME, PAGES, type Page, SECTIONS } from "../pages.ts";
import { DOCS, linkToRepository, REPOSITORY, ROOT, repositoryLink } from "../repository.ts";

const docs = join(ROOT, DOCS);
const files = readdirSync(docs).filter((file) => file.endsWith(".md"));
const named = PAGES.map(({ name }) => `${name}.md`);
const unnamed = files.filter((file) => !named.includes(file));
const missing = named.filter((file) => !files.includes(file));
if (unnamed.length > 0) throw new Error(`site/pages.ts names no page ${unnamed.join(", ")}: add it there`);
if (missing.length > 0) throw new Error(`site/pages.ts names ${missing.join(", ")}, which docs/ does not have`);

/** The page of a file: that of `performance/tables.md` is performance.md, which links to it. */
function pageOf(file: string): Page {
  const name = file.split(/[/.]/, 1)[0];
  const page = PAGES.find((page) => page.name === name);
  if (page === undefined) throw new Error(`docs/${file}: there is no docs/${name}.md that it belongs to`);
  return page;
}

/** typedoc makes these pages. The target keeps the program in the page from looking for them among the pages of VitePress. */
const API_REFERENCE = { text: "API reference", link: "/api/index.html", target: "_self" };

const sidebar: DefaultTheme.SidebarItem[] = [
  ...SECTIONS.map(({ label, pages }) => {
    const items = pages.map(({ name, label }) => ({ text: label, link: `/${name}` }));
    return items.length === 1 ? items[0]! : { text: label, items };
  }),
  API_REFERENCE,
  { text: "Changelog", link: repositoryLink("CHANGELOG.md") },
  { text: "Security", link: repositoryLink("SECURITY.md") },
];

/** Pages become modules that import Vue, which is not installed in docs/ or above it: looks for it from here. */
const vueForPages: Plugin = {
  name: "vue-for-pages",
  enforce: "pre",
  resolveId(id, importer, options) {
    if (!importer?.startsWith(docs) || !/^vue(\/|$)/.test(id)) return null;
    return this.resolve(id, import.meta.filename, { ...options, skipSelf: true });
  },
};

export default defineConfig({
  srcDir: join("..", DOCS),
  outDir: "dist",
  cacheDir: "node_modules/.vitepress",
  lang: "en",
  title: "Whereabouts",
  description: HOME.description,
  metaChunk: true,
  ignoreDeadLinks: [/^\/api\//],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // The anchors of GitHub, so that a link works there and here.
    anchor: { slugify: slug },
    config: linkToRepository,
  },
  transformPageData: ({ relativePath }) => ({ description: pageOf(relativePath).description }),
  vite: { plugins: [vueForPages] },
  themeConfig: {
    nav: [
      { text: "Start", link: "/start" },
      { text: "Server", link: "/server" },
      { text: "Client", link: "/client" },
      { text: "Codec", link: "/codec" },
      { ...API_REFERENCE, text: "API" },
    ],
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: "local" },
    // The name of the link is its text.
    notFound: { linkText: "Take me home", linkLabel: "Take me home" },
    socialLinks: [{ icon: "github", link: REPOSITORY, ariaLabel: "The repository at GitHub" }],
    editLink: { pattern: `${REPOSITORY}/edit/main/${DOCS}/:path`, text: "Edit this page at GitHub" },
    externalLinkIcon: true,
  },
});
