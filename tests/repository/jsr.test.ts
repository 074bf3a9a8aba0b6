// jsr.json: the package for JSR, of the entries that are not for Bun alone.
import { expect, test } from "bun:test";
import { join, relative } from "node:path";
import * as jsr from "../../jsr.json";
import * as manifest from "../../package.json";

const ROOT = join(import.meta.dir, "../..");

/** The files that a file imports, with types, and those that they import. */
async function reachable(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  const text = await Bun.file(join(ROOT, file)).text();
  for (const [, path] of text.matchAll(/^(?:import|export|\} from)\b[^"\n]*"(\.[^"]+)"/gm)) {
    await reachable(relative(ROOT, join(ROOT, file, "..", path!)), found);
  }
  return found;
}

test("jsr.json has the version, the licence and the entries of package.json, but those that need Bun", () => {
  expect(jsr.version).toBe(manifest.version);
  expect(jsr.license).toBe(manifest.license);
  expect(jsr.name).toMatch(new RegExp(`^@[a-z-]+/${manifest.name}$`));
  const sources = Object.entries<string | { bun: string }>(manifest.exports).flatMap(([name, to]) =>
    typeof to === "object" ? [[name, to.bun]] : [],
  );
  const { ".": _everything, "./server": _server, ...others } = Object.fromEntries(sources);
  expect(others).toEqual(jsr.exports);
});

test("jsr.json includes every file that its entries import, and no other source", async () => {
  const needed = new Set<string>();
  for (const entry of Object.values(jsr.exports)) await reachable(join(entry), needed);
  expect(needed.size).toBeGreaterThan(100);
  const { include, exclude } = jsr.publish;
  const within = (folders: readonly string[], file: string) =>
    folders.some((folder) => file === folder || file.startsWith(`${folder}/`));
  const published = [...new Bun.Glob("{src,assembly,build}/**/*.ts").scanSync(ROOT)].filter(
    (file) => within(include, file) && !within(exclude, file),
  );
  expect(published.sort()).toEqual([...needed].sort());
});
