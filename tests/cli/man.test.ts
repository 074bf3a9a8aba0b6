// The manual page, which is generated: complete, and free of errors in the eyes of the programs that show it.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manPage } from "../../scripts/man.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createProgram, loadAll } from "../../src/cli/program.ts";
import { testIf } from "../support/needs.ts";

const folder = mkdtempSync(join(tmpdir(), "whereabouts-man-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "whereabouts.1");
writeFileSync(path, await manPage());

function show(command: readonly string[]): { out: string; err: string } {
  const env = { PATH: Bun.env.PATH!, LANG: "C.UTF-8", MANWIDTH: "100", MANPAGER: "cat" };
  const { stdout, stderr } = Bun.spawnSync([...command, path], { env });
  return { out: stdout.toString(), err: stderr.toString() };
}

testIf(Bun.which("mandoc") !== null, "no mandoc: apt-get install mandoc")(
  "mandoc finds nothing to complain of",
  async () => {
    expect(show(["mandoc", "-Tlint", "-W", "warning"])).toEqual({ out: "", err: "" });
  },
);

testIf(Bun.which("man") !== null && Bun.which("groff") !== null, "no man or groff: apt-get install man-db groff")(
  "man shows it without warnings, with all commands, flags, variables and help texts",
  async () => {
    const { out, err } = show(["man", "--warnings", "-l"]);
    expect(err).toBe("");
    const text = Bun.stripANSI(out).replace(/\s+/g, " ");
    const program = createProgram(await loadAll(COMMANDS));
    const commands = program.commands.flatMap((one) => (one.commands.length > 0 ? [...one.commands] : [one]));
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      expect(text).toContain(command.description());
      for (const { long, envVar } of command.options) {
        expect(text).toContain(long!);
        expect(text).toContain(envVar ?? "");
      }
    }
    expect(text).toContain("Exit code 0: the server is ready. 1: it is not ready.");
    expect(out).toContain(`\n           {"nodeId":"NODE-B","nodeIdHex":"4e4f44452d42","found":false}\n`);
    expect(text).toContain("whereabouts lookup --server 192.0.2.1:22025 --json <ids.txt");
  },
);

test("text has no meaning for the formatter", async () => {
  for (const line of (await manPage()).split("\n")) {
    expect(line).not.toMatch(/^\.(?!TH|SH|SS|TP|PP|RS|RE|nf|fi|IP|nh|ad|br)|^'|[^\0-~]|\\(?![e(fu[&-])/);
  }
});
