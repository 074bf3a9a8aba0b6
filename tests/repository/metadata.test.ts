// What package.json says about the project, and every other file that says the same.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as manifest from "../../package.json";
import { REPOSITORY, releaseNotes } from "../../scripts/release-notes.ts";

const ROOT = join(import.meta.dir, "../..");

const text = (file: string) => Bun.file(join(ROOT, file)).text();

/** The text files of the checkout that git knows, or would add. */
async function readTexts(): Promise<[name: string, text: string][]> {
  const list = await Bun.$`git ls-files --cached --others --exclude-standard`.cwd(ROOT).text();
  const names = list.trim().split("\n");
  const texts = names
    .filter((name) => /\.(md|ts|js|json|jsonc|ya?ml|toml|html|service|lua)$|^\.ci\/|Dockerfile$/.test(name))
    .map(async (name): Promise<[string, string]> => [name, await text(name).catch(() => "")]);
  return await Promise.all(texts);
}

const textFiles = await readTexts();

describe("package.json", () => {
  test("names the repository, the page for bugs and the home page at one address", () => {
    expect(manifest.repository.url).toBe(`git+${REPOSITORY}.git`);
    expect(manifest.bugs).toBe(`${REPOSITORY}/issues`);
    expect(manifest.homepage).toStartWith(REPOSITORY);
    expect(manifest.repository.url).toMatch(/^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/);
  });

  test("has the author whom the licence names, and a description of one sentence", async () => {
    expect(await text("LICENSE")).toContain(`Copyright (c) 2026 ${manifest.author}\n`);
    expect(manifest.description).toMatch(/^[A-Z][^.]{40,160}\.$/);
  });

  test("is public, and is published with a proof of where it was built", () => {
    expect(manifest.publishConfig).toEqual({ access: "public", provenance: true });
    expect(manifest).not.toHaveProperty("private");
  });
});

describe("every other file", () => {
  test("names the repository by the address in package.json", async () => {
    const [owner, name] = REPOSITORY.split("/").slice(-2) as [string, string];
    const address = /\bgithub\.com[/:]([\w-]+)\/([\w-]+)|\b([\w-]+)\.github\.io\/([\w-]+)/g;
    const named = [];
    for (const [file, content] of textFiles) {
      for (const [found, a, b, c, d] of content.matchAll(address)) {
        if ((a ?? c) === owner || (b ?? d) === name) named.push({ file, found, repository: [a ?? c, b ?? d] });
      }
    }
    expect(named.map(({ file }) => file)).toContain("SECURITY.md");
    expect(named.filter(({ repository }) => repository.join() !== [owner, name].join())).toEqual([]);
  });

  test("names the version that package.json has", async () => {
    const [newest] = (await text("CHANGELOG.md")).match(/^## (?!Unreleased).*/m)!;
    expect(newest).toStartWith(`## ${manifest.version} (`);
    // The example of a reply in docs/admin.md.
    const [, documented] = /^ {2}"version": "([^"]+)"/m.exec(await text("docs/admin.md"))!;
    expect(documented).toBe(manifest.version);
    // What commands print, in README.md and docs/.
    const guides = textFiles.filter(([file]) => /^(README|docs\/[^/]+)\.md$/.test(file));
    const printed = guides.flatMap(([file, content]) =>
      [...content.matchAll(/\bwhereabouts (\d+\.\d+\.\d+)\b/g)].map(([, version]) => ({ file, version })),
    );
    expect(printed.map(({ file }) => file)).toContain("README.md");
    expect(printed.filter(({ version }) => version !== manifest.version)).toEqual([]);
    expect(manifest.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("runs the version of Bun that package.json names", () => {
    const wanted = manifest.packageManager.replace("bun@", "");
    expect(manifest.engines.bun).toBe(`>=${wanted}`);
    const named = textFiles.flatMap(([file, content]) =>
      [...content.matchAll(/\bbun[@:](\d+\.\d+\.\d+)/g)].map(([, version]) => ({ file, version })),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(({ version }) => version !== wanted)).toEqual([]);
  });
});

describe("the notes of a release", () => {
  const CHANGELOG =
    "# Changelog\n\n## 1.2.0 (2026-01-31)\n\n- New: [a](docs/a.md#b), [c](https://c.example).\n\n## 1.1.0\n\n- Old.\n";

  test("are its section of the changelog, with links that work outside of the repository", () => {
    expect(releaseNotes("v1.2.0", "1.2.0", CHANGELOG)).toBe(
      `- New: [a](${REPOSITORY}/blob/v1.2.0/docs/a.md#b), [c](https://c.example).`,
    );
  });

  test.each([
    ["v1.3.0", "1.2.0", CHANGELOG, "the tag must be v1.2.0"],
    ["1.2.0", "1.2.0", CHANGELOG, "the tag must be v1.2.0"],
    ["v1.3.0", "1.3.0", CHANGELOG, '"1.2.0 (2026-01-31)": it must be "1.3.0 (YYYY-MM-DD)"'],
    ["v1.2.0", "1.2.0", CHANGELOG.replace(" (2026-01-31)", ""), 'it must be "1.2.0 (YYYY-MM-DD)"'],
    ["v1.2.0", "1.2.0", CHANGELOG.replace("## 1.2.0", "## Unreleased\n\n- Newer.\n\n## 1.2.0"), '"Unreleased"'],
    ["v1.2.0", "1.2.0", CHANGELOG.replace(/- New.*\n/, ""), "is empty"],
  ])(
    "do not exist for the tag %s and the version %s if something does not agree",
    (tag, version, changelog, message) => {
      expect(() => releaseNotes(tag, version, changelog)).toThrow(message);
    },
  );

  test("are printed by a script, which tells in one line what is wrong", async () => {
    const run = async (tag: string) => {
      const child = Bun.spawn([process.execPath, "scripts/release-notes.ts", tag], {
        cwd: ROOT,
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { out, err, code };
    };
    const changelog = await text("CHANGELOG.md");
    // Between two releases the changelog has changes that no release has.
    if (!changelog.includes("\n## Unreleased")) {
      const notes = releaseNotes(`v${manifest.version}`, manifest.version, changelog);
      expect(await run(`v${manifest.version}`)).toEqual({ out: `${notes}\n`, err: "", code: 0 });
    }
    expect(await run("v0.0.0")).toMatchObject({
      out: "",
      err: expect.stringMatching(/^[^\n]+v0\.0\.0[^\n]+\n$/),
      code: 1,
    });
  });
});
