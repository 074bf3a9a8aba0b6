// The completion scripts, in the shells themselves: keys are typed, and the command line that results is run.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createProgram, loadAll } from "../../src/cli/program.ts";
import { describeCommand, run } from "../support/command.ts";
import { helpOf } from "../support/help.ts";
import { testIf } from "../support/needs.ts";
import { testRefusals } from "../support/refusals.ts";
import { until } from "../support/time-limits.ts";

const folder = mkdtempSync(join(tmpdir(), "whereabouts-completion-"));
const scripts: Record<string, string> = {};

beforeAll(async () => {
  writeFileSync(join(folder, "file one.toml"), "");
  mkdirSync(join(folder, "only-a-folder"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out, err, code } = await run(["completion", shell]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    scripts[shell] = join(folder, `script.${shell}`);
    writeFileSync(scripts[shell], out);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Text typed after `whereabouts `, with a tab for each completion, and the resulting arguments of the command. */
const TYPED: readonly [string, readonly string[]][] = [
  ["ser\t", ["server"]],
  ["server --share\t", ["server", "--share-port"]],
  ["server --transport mm\t", ["server", "--transport", "mmsg"]],
  ["server --log-level=warn\t", ["server", "--log-level=warning"]],
  ["server --port 1 --engine t\t", ["server", "--port", "1", "--engine", "ts"]],
  ["server --config fi\t", ["server", "--config", "file one.toml"]],
  ["journal im\tfi\t", ["journal", "import", "file one.toml"]],
  ["decode --pcap fi\t", ["decode", "--pcap", "file one.toml"]],
  ["journal stats --js\t", ["journal", "stats", "--json"]],
  // An argument that is also the name of a command.
  ["lookup server --la\t", ["lookup", "server", "--lan"]],
  ["status --wa\t", ["status", "--watch"]],
  ["completion zs\t", ["completion", "zsh"]],
  ["help jour\t", ["help", "journal"]],
];

/** Types into an interactive shell, in which a function prints the arguments instead of the command. */
async function results(command: readonly string[], script: string, setUp: string): Promise<string[]> {
  let text = "";
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { PATH: Bun.env.PATH!, TERM: "dumb", HOME: folder, PS1: "$ ", HISTFILE: "" },
    terminal: {
      cols: 300,
      rows: 50,
      data: (_terminal, bytes) => {
        text += new TextDecoder().decode(bytes);
      },
    },
  });
  const { terminal } = child;
  try {
    // The marks are not in the text that is typed, so that its echo is not taken for them.
    terminal!.write(
      `${setUp}\nsource ${script}\nwhereabouts() { printf '<%s>' "$@"; printf '%s\\n' en"d"; }; echo rea"d"y\n`,
    );
    await until(() => text.includes("ready\r"), "the shell", 20_000);
    const found: string[] = [];
    for (const [typed] of TYPED) {
      text = "";
      terminal!.write(`whereabouts ${typed}\r`);
      await until(() => /<[^\n]*>end\r/.test(text), `the result of ${JSON.stringify(typed)} in ${text}`, 10_000);
      found.push(/(<[^\n]*>)end\r/.exec(text)![1]!);
    }
    return found;
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    terminal!.close();
  }
}

const expected = TYPED.map(([, args]) => args.map((arg) => `<${arg}>`).join(""));

testIf(Bun.which("bash") !== null, "no bash")("bash completes commands, flags, their values and files", async () => {
  const setUp = "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'";
  expect(await results(["bash", "--norc", "--noprofile", "-i"], scripts.bash!, setUp)).toEqual(expected);
});

testIf(Bun.which("zsh") !== null, "no zsh: apt-get install zsh")("zsh completes the same", async () => {
  const setUp = "PS1='$ '; unsetopt beep; autoload -U compinit; compinit -u -D";
  expect(await results(["zsh", "-f", "-i"], scripts.zsh!, setUp)).toEqual(expected);
});

const fish = (code: string) => {
  const { stdout, stderr } = Bun.spawnSync(["fish", "--no-config", "-c", `source ${scripts.fish}; ${code}`], {
    cwd: folder,
    env: { PATH: Bun.env.PATH!, HOME: folder },
  });
  expect(stderr.toString()).toBe("");
  return stdout.toString().trimEnd().split("\n");
};

testIf(Bun.which("fish") !== null, "no fish: apt-get install fish")("fish completes the same", async () => {
  for (const [typed, args] of TYPED) {
    // The words up to the first tab that ends the input.
    const line = args.slice(0, -1).join(" ");
    const start = typed.replace(/.*[ \t](?=.)/, "").replace("\t", "");
    const offered = fish(`complete -C "whereabouts ${line} ${start}"`).map((it) =>
      it.split("\t")[0]!.replaceAll("\\", ""),
    );
    expect(offered, typed).toEqual([args.at(-1)!]);
  }
});

describe("each script", () => {
  testIf(Bun.which("fish") !== null, "no fish: apt-get install fish")("knows each flag of the help", async () => {
    const program = createProgram(await loadAll(COMMANDS));
    const commands = program.commands.flatMap((one) => (one.commands.length > 0 ? [...one.commands] : [one]));
    const names = commands.map((one) => (one.parent === program ? one.name() : `${one.parent!.name()} ${one.name()}`));
    const texts = ["bash", "zsh"].map((shell) => readFileSync(scripts[shell]!, "utf8"));
    const offered = fish(names.map((name) => `complete -C "whereabouts ${name} --"; echo =`).join("; "));
    for (const [i, command] of commands.entries()) {
      const flags = [...helpOf(command).matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);
      const [...ofFish] =
        offered
          .join("\n")
          .split("=\n")
          [i]!.match(/^--[\w-]+/gm) ?? [];
      expect(ofFish.sort(), names[i]).toEqual(flags.sort());
      for (const flag of flags) for (const text of texts) expect(text).toContain(flag);
    }
  });
});

describeCommand("whereabouts completion", ({ run }) => {
  test("prints the commands, and the flags of those that this runtime has", async () => {
    const { out, err, code } = await run(["completion", "bash"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toContain('words="server status announce lookup watch journal decode xdr bench completion help"');
    expect(out).toContain("--group --interface --server --lan --timeout --syncthing --json --help");
  });
});

testRefusals("completion", [
  [
    "an unknown shell",
    ["tcsh"],
    "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.\n",
  ],
]);
