import { expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleForNode } from "../support/bundle.ts";
import { OutputLines } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { Host, hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { hasNode, NEEDS_NODE, NODE } from "../support/node.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { blockOf, blocksOf, blocksWith, pageText } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");

/** A new project that has whereabouts in its node_modules, and a program as pasted from a page. */
async function pasted(program: string): Promise<AsyncDisposable & { file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  await Bun.$`mkdir ${folder}/node_modules`;
  await symlink(ROOT, join(folder, "node_modules", "whereabouts"));
  const file = join(folder, "program.ts");
  await Bun.write(file, program);
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const CLIENT = await blockOf("docs/client.md", '"MY-NODE"');

for (const runtime of ["bun", "node"] as const) {
  const canRun = hasNode || runtime === "bun";
  testIf(hasNetns && canRun, canRun ? NEEDS_NETNS : NEEDS_NODE)(
    `the first program of client.md finds another one on the LAN, under ${runtime}`,
    async () => {
      const theirs = CLIENT.replace('"MY-NODE"', '"THEIR-NODE"').replace("await discoverer.close();", "");
      expect(theirs).toContain('nodeId: "THEIR-NODE"');
      expect(theirs).not.toContain("close()");
      await using stack = new AsyncDisposableStack();
      const hosts = stack.use(await twoHosts());
      const run = async (host: Host, program: string) => {
        const { file } = stack.use(await pasted(program));
        const bundle = file.replace(/ts$/, "mjs");
        if (runtime === "node") await bundleForNode(file, bundle);
        const command = host.command(runtime === "bun" ? [process.execPath, file] : [NODE, bundle]);
        const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
        stack.defer(() => child.kill());
        return child;
      };
      await run(hosts.b, theirs);
      const mine = await run(hosts.a, CLIENT);
      const out = await mine.stdout.text();
      expect(out).toMatch(/^new on the LAN: \S+:22000$/m);
      expect(out).toMatch(/^THEIR-NODE is at (10\.9\.0\.2|fe80:\S+%a0):22000$/m);
      expect(await mine.exited).toBe(0);
    },
    TEST_LIMIT_MS,
  );
}

testIf(hasNetns, NEEDS_NETNS)(
  "the first program of client.md, with servers, finds a node that was announced to a server",
  async () => {
    const code = CLIENT.replace(/group: .*/, 'servers: ["127.0.0.1"],');
    expect(code).toContain("servers");
    await using program = await pasted(code);
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

testIf(hasNetns, NEEDS_NETNS)(
  "the two terminals of the chat in start.md",
  async () => {
    const block = await blockOf("docs/start.md", "bun examples/chat.js");
    const [alice, bob] = [...block.matchAll(/^bun (examples\/chat\.js .*?) *#/gm)].map(([, args]) => args!.split(" "));
    await using hosts = await twoHosts();
    const run = (host: Host, args: string[]) =>
      Bun.spawn(host.command([process.execPath, ...args]), {
        cwd: ROOT,
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      });
    const first = run(hosts.a, alice!);
    const second = run(hosts.b, bob!);
    try {
      await new OutputLines(second.stdout).next(/^\* alice is here$/);
      second.stdin.write("hello\n");
      second.stdin.flush();
      await new OutputLines(first.stdout).next(/^bob: hello$/);
    } finally {
      first.kill();
      second.kill();
    }
  },
  TEST_LIMIT_MS,
);

for (const { page, line, code } of await blocksWith(/^ts$/, "DiscoveryServer.start")) {
  test(`the server in ${page}, line ${line}, runs as it is and prints no error`, async () => {
    await using program = await pasted(code);
    const child = Bun.spawn([process.execPath, program.file], { stdout: "pipe", stderr: "pipe" });
    expect(await child.stderr.text()).toBe("");
    expect(await child.exited).toBe(0);
  });
}

// A program whose first line is its file name belongs to a terminal session: console.test.ts runs it.
const unnamed = (await blocksOf("README.md")).filter(
  ({ language, code }) => /^[jt]s$/.test(language) && !/^\/\/ \S+\n/.test(code),
);
for (const { line, code } of unnamed) {
  testIf(hasNetns, NEEDS_NETNS)(
    `the program in README.md, line ${line}, runs and prints no error`,
    async () => {
      await using hosts = await twoHosts();
      await using program = await pasted(code);
      const child = Bun.spawn(hosts.a.command([process.execPath, program.file]), { stdout: "ignore", stderr: "pipe" });
      // A program that watches goes on until it is stopped.
      const timer = setTimeout(() => child.kill(), 8_000);
      expect(await child.stderr.text()).toBe("");
      clearTimeout(timer);
      expect((await child.exited) === 0 || child.signalCode === "SIGTERM").toBe(true);
    },
    TEST_LIMIT_MS,
  );
}

test("flags.md lists each flag of the server", async () => {
  const page = await pageText("docs/flags.md");
  const help = Bun.spawnSync([process.execPath, MAIN, "server", "--help"]).stdout.toString();
  const flags = [...help.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag]) => flag!);
  expect(flags.length).toBeGreaterThan(15);
  for (const flag of flags) expect(page).toContain(`\`--${flag}\``);
});
