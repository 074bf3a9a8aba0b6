// The environment variables of all commands: which there are, and that docs/flags.md names them.
import { expect, test } from "bun:test";
import { SERVER_VARIABLES } from "../../src/cli/bun-commands.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createProgram, loadAll } from "../../src/cli/program.ts";
import { describeCommand } from "../support/command.ts";
import { runInOneProcess } from "../support/one-process.ts";

const NAMES = [
  "server",
  "status",
  "lookup",
  "announce",
  "watch",
  "decode",
  "journal export",
  "journal import",
  "journal stats",
];

const program = createProgram(await loadAll(COMMANDS));

/** The variables that the help of a command names. */
function variables(names: string): string[] {
  let command = program;
  for (const name of names.split(" ")) command = command.commands.find((child) => child.name() === name)!;
  return [...command.helpInformation().matchAll(/env:\s+(WHEREABOUTS_\w+)\)/g)].map(([, name]) => name!);
}

test("docs/flags.md names each variable of each command", async () => {
  const page = await Bun.file(new URL("../../docs/flags.md", import.meta.url)).text();
  for (const command of NAMES) {
    const names = variables(command);
    expect(names.length).toBeGreaterThan(0);
    // Of the server it names the flags, and the rule.
    if (command === "server") continue;
    for (const name of names.filter((name) => !name.startsWith("WHEREABOUTS_ADMIN")))
      expect(page, `${name} of ${command}`).toContain(`\`${name}\``);
  }
});

test("a flag of another command shares a variable with the server only where both mean the same", () => {
  const server = variables("server");
  const shared = new Set<string>();
  for (const command of NAMES.slice(1)) {
    for (const name of variables(command)) if (server.includes(name)) shared.add(name);
  }
  expect([...shared].sort()).toEqual([
    "WHEREABOUTS_ADMIN",
    "WHEREABOUTS_ADMIN_TOKEN",
    "WHEREABOUTS_JOURNAL",
    "WHEREABOUTS_JOURNAL_PREFIX",
    "WHEREABOUTS_RETENTION",
  ]);
});

describeCommand("a variable of a command that needs Bun", ({ run }) => {
  test("is known to all commands, so that it is not reported as mistyped", async () => {
    const names = new Set<string>();
    const commands = ["server", "journal export", "journal import", "journal stats"];
    for (const command of commands) for (const name of variables(command)) names.add(name);
    names.delete("WHEREABOUTS_JSON");
    expect(names.size).toBeGreaterThan(20);
    // Entries of bun-commands.ts whose flags no longer exist.
    expect(SERVER_VARIABLES.filter((name) => !names.has(name))).toEqual([]);
    const env = Object.fromEntries([...names, "WHEREABOUTS_ADMIN"].map((name) => [name, "x"]));
    expect(await run(["decode", "00"], "", { env })).toMatchObject({ err: "", code: 0 });
    const { err } = await run(["decode", "00"], "", { env: { WHEREABOUTS_CAPACTY: "1" } });
    expect(err).toContain("WHEREABOUTS_CAPACTY is ignored: did you mean WHEREABOUTS_CAPACITY?");
  });
});

test("an error of journal names the variable that its journal came from", async () => {
  const env = { WHEREABOUTS_JOURNAL: "sqlite:/proc/nope/file" };
  expect((await runInOneProcess(["journal", "stats"], env)).err).toEndWith("(set by WHEREABOUTS_JOURNAL)\n");
  const prefix = { WHEREABOUTS_JOURNAL: "redis://127.0.0.1:1", WHEREABOUTS_JOURNAL_PREFIX: "a b" };
  expect((await runInOneProcess(["journal", "stats"], prefix)).err).toStartWith(
    "whereabouts: error: WHEREABOUTS_JOURNAL_PREFIX must be",
  );
});

/** All variables, empty. */
function emptyVariables(): Record<string, string> {
  const names = new Set(NAMES.flatMap(variables));
  return Object.fromEntries([...names].map((name) => [name, ""]));
}

describeCommand("an empty variable", ({ run }) => {
  test("counts as not set for every command", async () => {
    const env = emptyVariables();
    expect((await run(["decode", "00"], "", { env })).err).toBe("");
    expect((await run(["lookup", "A"], "", { env })).err).toContain("nowhere to look");
    expect((await run(["announce"], "", { env })).err).toContain(
      "required option '--port <port>' not specified: give it, or set WHEREABOUTS_ANNOUNCE_PORT\n",
    );
  });
});

test("an empty variable counts as not set for journal", async () => {
  // The journal of the tests' user must not be used.
  const env = { ...emptyVariables(), WHEREABOUTS_JOURNAL: "memory" };
  expect((await runInOneProcess(["journal", "stats"], env)).err).toContain("memory keeps nothing");
});
