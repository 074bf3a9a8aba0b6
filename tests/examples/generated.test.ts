// Compares the generated files of the examples with what the compiler makes of their .x files.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { compileFiles } from "whereabouts/xdr/compiler";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => Bun.file(join(ROOT, path)).text();

/** The commands of the examples' README. */
const commands = [...(await read("examples/README.md")).matchAll(/^bin\/whereabouts xdr (.*) -o (.*)$/gm)].map(
  ([, input, out]) => ({ out: out!, words: input!.split(" ") }),
);

test("the README of the examples has the command for each generated file", () => {
  const files = [...new Bun.Glob("examples/*/generated/*.ts").scanSync(ROOT)].sort();
  expect(commands.map(({ out }) => out).sort()).toEqual(files);
});

test.each(commands)("$out is what its command writes", async ({ out, words }) => {
  const strings = words.includes("bytes") ? "bytes" : "text";
  const sources = words.filter((word) => word.endsWith(".x"));
  expect(words).toEqual(strings === "bytes" ? ["--strings", "bytes", ...sources] : sources);
  const module = await compileFiles(sources, read, { strings });
  // Says what to do: the difference of such long texts would fill the screen.
  const advice = `run bin/whereabouts xdr ${words.join(" ")} -o ${out}`;
  expect(module === (await read(out)) ? "the same" : advice).toBe("the same");
});
