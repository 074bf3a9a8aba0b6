import { expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testIf } from "../support/needs.ts";
import { Host, hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { readmeBlock } from "./readme.ts";

const ROOT = join(import.meta.dir, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");

/** A new project that has whereabouts in its node_modules, and a program as pasted from the README. */
async function pasted(program: string): Promise<AsyncDisposable & { file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  await Bun.$`mkdir ${folder}/node_modules`;
  await symlink(ROOT, join(folder, "node_modules", "whereabouts"));
  const file = join(folder, "program.ts");
  await Bun.write(file, program);
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

testIf(hasNetns, NEEDS_NETNS)(
  "the client example of the README finds a node that was announced to a server",
  async () => {
    await using program = await pasted(await readmeBlock("ts", "Discoverer.start"));
    await using host = await Host.create();
    const run = (args: string[]) =>
      Bun.spawn(host.command([process.execPath, ...args]), { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const server = run([MAIN, "server", "--host", "127.0.0.1", "--journal", "memory"]);
    for await (const _listening of server.stdout) break;
    const their = ["--id", "THEIR-NODE", "--port", "22001", "--server", "127.0.0.1"];
    const announcing = run([MAIN, "announce", ...their]);
    for await (const _announced of announcing.stdout) break;
    try {
      const out = await run([program.file]).stdout.text();
      expect(out).toContain("THEIR-NODE is at 127.0.0.1:22001");
    } finally {
      server.kill();
      announcing.kill();
    }
  },
  TEST_LIMIT_MS,
);

test("the server example of the README runs as it is and prints no error", async () => {
  await using program = await pasted(await readmeBlock("ts", "DiscoveryServer.start"));
  const child = Bun.spawn([process.execPath, program.file], { stdout: "pipe", stderr: "pipe" });
  expect(await child.stderr.text()).toBe("");
  expect(await child.exited).toBe(0);
});

test("the decode example of the README prints what the README shows", async () => {
  const [command, answer] = (await readmeBlock("sh", "whereabouts decode")).trim().split("\n");
  const hex = /([0-9a-f]{16,})/.exec(command!)![1]!;
  const child = Bun.spawn([process.execPath, MAIN, "decode", hex], { stdout: "pipe" });
  expect((await child.stdout.text()).trim()).toBe(answer!);
});

test("the README lists each flag of the server", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  const help = Bun.spawnSync([process.execPath, MAIN, "server", "--help"]).stdout.toString();
  const flags = [...help.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag]) => flag!);
  expect(flags.length).toBeGreaterThan(15);
  for (const flag of flags) expect(readme).toContain(`\`--${flag}\``);
});
