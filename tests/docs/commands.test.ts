// Each command line in README.md, CONTRIBUTING.md and docs/*.md is a command that exists, with flags that it has.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { describeCommands } from "../../src/cli/completion/commands.ts";
import { createProgram, loadAll } from "../../src/cli/program.ts";
import { wordsOf } from "./console.ts";
import { blocksOf, PAGES, pageText } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");
const { scripts } = await Bun.file(join(ROOT, "package.json")).json();
const commands = new Map(
  describeCommands(createProgram(await loadAll(COMMANDS))).map((info) => [info.path.join(" "), info]),
);

/** The command lines of a page: those in blocks, and those in the text that begin with a known program. */
async function commandLines(page: string): Promise<string[]> {
  const blocks = (await blocksOf(page)).filter(({ language }) => /^(sh|console)$/.test(language));
  const lines = blocks.flatMap(({ language, code }) => {
    const whole = code.replace(/\\\n\s*/g, "").split("\n");
    return language === "sh" ? whole : whole.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
  });
  const inline = [...(await pageText(page)).replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)];
  return [
    ...lines,
    ...inline.map(([, code]) => code!).filter((code) => /^(bun|npx|npm|whereabouts|bin\/whereabouts) /.test(code)),
  ];
}

/** The fault of a command line, or `undefined`. */
function problem(line: string): string | undefined {
  for (const part of line.split(/ (?:\||&&|;) /)) {
    const found = problemOf(wordsOf(part.replace(/^\s*(?:[A-Z_]+=\S* )*/, "")));
    if (found !== undefined) return found;
  }
  return undefined;
}

function problemOf(words: readonly string[]): string | undefined {
  const [program, first, ...rest] = words;
  if (program === undefined || first === undefined) return undefined;
  if (program === "npx" && first === "-y")
    return problemOf(rest[0] === "-p" ? rest.slice(4) : ["bun", ...rest.slice(1)]);
  if (program === "npx") return problemOf([first, ...rest]);
  if (/^(?:.*\/)?whereabouts$/.test(program)) return problemOfCommand([first, ...rest]);
  if (program === "bun" && /^[\w./-]+\.(?:js|ts)$/.test(first) && first.includes("/")) return missing(first);
  if (program === "bun" && first === "bench") return undefined;
  if (!(/^(?:bun|npm)$/.test(program) && first === "run") || !/^[a-z]/.test(rest[0] ?? "")) return undefined;
  if (!(rest[0]! in scripts)) return `package.json has no script ${rest[0]}`;
  if (rest[0] === "server") return problemOfCommand(rest);
  return rest[0] === "whereabouts" ? problemOfCommand(rest.slice(1)) : undefined;
}

const missing = (file: string) => (existsSync(join(ROOT, file)) ? undefined : `there is no ${file}`);

function problemOfCommand(words: readonly string[]): string | undefined {
  // A page may leave the command open: `whereabouts COMMAND …`, `whereabouts …`.
  if (/^(?:…|\.\.\.|[A-Z]+$)/.test(words[0]!)) return undefined;
  const path = words[0]!.startsWith("-") ? [] : words.slice(0, commands.has(words.slice(0, 2).join(" ")) ? 2 : 1);
  const command = commands.get(path.join(" "));
  if (command === undefined) return `there is no command ${path.join(" ")}`;
  const known = new Set(command.flags.flatMap(({ long, short }) => [long, short]));
  const flags = words.slice(path.length).filter((word) => /^-{1,2}[a-z]/.test(word));
  const unknown = flags.map((word) => word.replace(/=.*/, "")).find((flag) => !known.has(flag));
  return unknown === undefined ? undefined : `${path.join(" ")} has no flag ${unknown}`;
}

test.each([...PAGES, "CONTRIBUTING.md", "examples/README.md"])(
  "each command line in %s is a known command with known flags",
  async (page) => {
    const found = (await commandLines(page)).map((line) => ({ line, problem: problem(line) }));
    expect(found.filter(({ problem }) => problem !== undefined)).toEqual([]);
  },
);

test.each([
  ["bun run serve", "package.json has no script serve"],
  ["bun run server --prot 1", "server has no flag --prot"],
  ["A=b npx whereabouts lookup ID --server x | whereabouts decod 19", "there is no command decod"],
  ["whereabouts journal stats --file x", "journal stats has no flag --file"],
  ["bun examples/none.js", "there is no examples/none.js"],
  ["npx -y bun@1.4.5 run none", "package.json has no script none"],
])("finds what is wrong with %s", (line, wrong) => {
  expect(problem(line)).toBe(wrong);
});
