// Links to code: a link such as [`lookUp`](../assembly/registry.ts) names something that is in that file.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { PAGES, pageText } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");

const links = (
  await Promise.all(
    PAGES.map(async (page) =>
      [...(await pageText(page)).matchAll(/\[`([^`\]]+)`\]\(([^)]+\.ts)\)/g)].map(([, name, path]) => ({
        page,
        name: name!,
        path: join(page, "..", path!),
      })),
    ),
  )
).flat();

test("docs/architecture.md follows packets through the code", () => {
  expect(links.filter(({ page }) => page === "docs/architecture.md").length).toBeGreaterThan(25);
});

test.each(links)("$page: $path has $name", async ({ name, path }) => {
  const file = Bun.file(join(ROOT, path));
  expect(await file.exists()).toBe(true);
  // A file's own name, or a function, method, interface or local function of it.
  const isFile = path.endsWith(`/${name}`) || path.endsWith(`/${name}.ts`);
  const declaration = new RegExp(
    `(?:function|interface|const|^ {2}(?:async )?|^ +)${name}\\b *(?:=|\\(|\\{|:)|(?:function|interface) ${name}\\b`,
    "m",
  );
  expect(isFile || declaration.test(await file.text())).toBe(true);
});
