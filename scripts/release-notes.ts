/**
 * Prints the notes of a release: its section of CHANGELOG.md. `bun scripts/release-notes.ts v0.2.0` ends with exit code 1 and one
 * line if the tag, the version in package.json and the newest section of CHANGELOG.md do not agree.
 */
import { repository, version } from "../package.json";

/** The address of the repository for people, without a slash at its end. */
export const REPOSITORY = repository.url.replace(/^git\+|\.git$/g, "");

/**
 * The notes of a release. Links to files of the repository become absolute, at the tag: GitHub's page of a release has no folder
 * that they could be relative to.
 *
 * @param tag - the tag in git, `v` and the version
 * @param released - the version in package.json
 * @param changelog - the text of CHANGELOG.md
 * @throws {Error} if they do not agree
 */
export function releaseNotes(tag: string, released: string, changelog: string): string {
  if (tag !== `v${released}`) {
    throw new Error(`the tag is ${tag}, and the version in package.json ${released}: the tag must be v${released}`);
  }
  const [section = ""] = changelog.split(/^## /m).slice(1);
  const [heading = "", ...lines] = section.split("\n");
  if (!/^\S+ \(\d{4}-\d{2}-\d{2}\)$/.test(heading) || heading.split(" ")[0] !== released) {
    throw new Error(`the first section of CHANGELOG.md is "${heading}": it must be "${released} (YYYY-MM-DD)"`);
  }
  const notes = lines.join("\n").trim();
  if (notes === "") throw new Error(`the section ${released} of CHANGELOG.md is empty`);
  return notes.replaceAll(/\]\((?!\w+:|#)([^)\s]+)\)/g, `](${REPOSITORY}/blob/${tag}/$1)`);
}

if (import.meta.main) {
  try {
    const changelog = await Bun.file(new URL("../CHANGELOG.md", import.meta.url)).text();
    console.log(releaseNotes(process.argv[2] ?? "(none)", version, changelog));
  } catch (error) {
    console.error(`release-notes: ${(error as Error).message}`);
    process.exit(1);
  }
}
