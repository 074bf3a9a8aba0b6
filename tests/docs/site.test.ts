// The site of docs/: built once, read as files, and looked at in Chromium.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COLOR_RULES, type OpenPage, PageBrowser } from "../admin/page/browser.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { deadLinksOfMarkdown, deadLinksOfSite, readSite, type Site } from "./site/links.ts";

const ROOT = join(import.meta.dir, "../..");
/** Not the root of its host: an address that lacks the base must not work by chance. */
const BASE = "/some/where/";
/** Building takes half a minute of processor time, and perhaps an installation before. */
const BUILD_LIMIT_MS = 900_000;

const folder = new Folder();
let site: Site;

beforeAll(async () => {
  const command = ["scripts/docs.ts", "--base", BASE, "--out", folder.path];
  const child = Bun.spawn([process.execPath, ...command], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`bun run docs failed (exit ${code})\n${out}${err}`);
  site = await readSite(folder.path);
}, BUILD_LIMIT_MS);

afterAll(() => folder[Symbol.dispose]());

test("all links of the site lead to a page, and to a place that it has", () => {
  expect(site.size).toBeGreaterThan(100);
  expect(deadLinksOfSite(site, folder.path, BASE)).toEqual([]);
});

test("all links of the repository's Markdown lead to a file, and to a heading that it has", async () => {
  const patterns = ["*.md", "docs/**/*.md", "examples/**/*.md", "deploy/**/*.md", ".github/**/*.md"];
  const files = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT, dot: true })]);
  expect(files).toContain("docs/flags.md");
  expect(await deadLinksOfMarkdown(ROOT, files)).toEqual([]);
});

test("each page has a title and a description of its own", () => {
  const pages = [...site].filter(([path]) => path !== "404.html");
  for (const [path, { title, description }] of pages) {
    expect([path, title]).toEqual([path, expect.stringMatching(/^(.+ \| )?Whereabouts( API)?$/)]);
    expect([path, description]).toEqual([path, expect.stringMatching(/^.{9,}$/)]);
  }
  const guides = pages.filter(([path]) => !/[/]/.test(path)).map(([, { description }]) => description);
  expect(new Set(guides).size).toBe(guides.length);
});

test("the types of the site's own files are right", async () => {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "site"];
  const child = Bun.spawn([process.execPath, ...tsc], { cwd: ROOT, stdout: "pipe" });
  expect(await child.stdout.text()).toBe("");
  expect(await child.exited).toBe(0);
});

describe("in Chromium", () => {
  const inBrowser = testIf(hasChromium, NEEDS_CHROMIUM);
  const DESKTOP = { width: 1280, height: 800 };
  const PHONE = { width: 390, height: 844 };
  let server: Bun.Server<undefined>;
  let browser: PageBrowser | undefined;
  let opened: OpenPage;

  beforeAll(async () => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch({ url }) {
        const path = decodeURI(new URL(url).pathname);
        const file = Bun.file(join(folder.path, path.slice(BASE.length).replace(/^$|\/$/, "$&index.html")));
        if (path.startsWith(BASE) && (await file.exists())) return new Response(file);
        const notFound = Bun.file(join(folder.path, "404.html"));
        return new Response(notFound, { status: 404 });
      },
    });
    if (!hasChromium) return;
    browser = await PageBrowser.start();
    opened = await browser.open("about:blank", { viewport: DESKTOP });
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await server.stop(true);
  });

  /** Goes to another page in the one tab of all tests, since a new tab takes as long as a test. */
  async function open(path: string): Promise<void> {
    await opened.page.setViewportSize(DESKTOP);
    opened.requests.length = 0;
    opened.errors.length = 0;
    await opened.page.goto(`${server.url.origin}${BASE}${path}`);
  }

  for (const path of ["", "flags.html", "schemas.html", "api/index.html", "api/whereabouts/codec/Codec.html"]) {
    inBrowser(
      `/${path} can be read on a desktop and on a phone, in light and in dark, and loads nothing from other hosts`,
      async () => {
        await open(path);
        const { page } = opened;
        await page.waitForLoadState("networkidle");
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          // VitePress changes the page when its script hears of the new scheme.
          const shown = "getComputedStyle(document.documentElement).colorScheme.includes('dark')";
          await page.waitForFunction(`${shown} === ${colorScheme === "dark"}`);
          // The headings of typedoc's pages open and close their sections, and have links in them. Of the search button of VitePress,
          // axe-core takes the name of the icon for a text that is shown.
          const except = [path.startsWith("api/") ? "nested-interactive" : "label-content-name-mismatch"];
          const rules = colorScheme === "dark" ? { only: COLOR_RULES } : { except };
          expect(await opened.violations(rules)).toEqual([]);
        }
        await page.setViewportSize(PHONE);
        expect(await opened.value("document.documentElement.scrollWidth")).toBe(PHONE.width);
        expect(opened.requests.filter((url) => !url.startsWith(`${server.url.origin}${BASE}`))).toEqual([]);
        expect(opened.errors).toEqual([]);
      },
    );
  }

  inBrowser("the search finds a word in the pages", async () => {
    await open("");
    await opened.page.locator(".VPNavBarSearch button").click();
    await opened.page.locator(".VPLocalSearchBox input").fill("retention");
    await opened.page.locator(".VPLocalSearchBox .result").first().waitFor();
    expect(await opened.texts(".VPLocalSearchBox .result")).toContainEqual(expect.stringMatching(/Flags/));
  });

  inBrowser("an address without a page shows that, and leads home", async () => {
    await open("no/such/page.html");
    await opened.shows(".NotFound .code", "404");
    expect(await opened.page.locator(".NotFound a").getAttribute("href")).toBe(BASE);
  });
});
