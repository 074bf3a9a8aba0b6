// The terminal sessions of README.md and docs/*.md print what the pages show.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleForNode } from "../support/bundle.ts";
import { MAIN } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { NODE } from "../support/node.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import { type Command, Output, type Session, sessionOf } from "./console.ts";
import { PAGES } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");

const sessions = new Map<string, Session>();
for (const page of PAGES) {
  const session = await sessionOf(page);
  if (session !== undefined) sessions.set(page, session);
}

/** A command of a session, once it was started. */
class Started {
  printed = "";
  readonly #child;
  readonly #read: Promise<void>;

  constructor(
    readonly command: Command,
    words: string[],
    options: { cwd: string; env: Record<string, string | undefined> },
  ) {
    this.#child = Bun.spawn(words, { ...options, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.#read = this.#collect();
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) this.printed += decoder.decode(bytes, { stream: true });
  }

  /** Waits until it has printed what the page shows. */
  async done(): Promise<void> {
    const { output, goesOn, where } = this.command;
    if (goesOn) {
      const end = () => output.begins(this.printed) || this.#child.exitCode !== null;
      await until(end, where).catch(() => {});
      if (!output.begins(this.printed)) throw new Error(`${where}\nhas printed\n${this.printed}`);
    } else {
      await Promise.all([this.#read, this.#child.exited]);
      if (!output.matches(this.printed)) throw new Error(`${where}\nhas printed\n${this.printed}`);
    }
  }

  /** @returns what it has written to standard error */
  async stop(): Promise<string> {
    this.#child.kill();
    await this.#child.exited;
    return this.#child.stderr.text();
  }
}

/** Runs the commands of a page one after the other, on one host. */
async function play({ files, commands }: Session, host: Host): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  await Bun.$`mkdir ${folder}/node_modules`;
  await symlink(ROOT, join(folder, "node_modules", "whereabouts"));
  for (const [name, code] of files) await Bun.write(join(folder, name), code);
  const own = Object.entries(Bun.env).filter(([name]) => !name.startsWith("WHEREABOUTS_") && name !== "NO_COLOR");
  const env = { ...Object.fromEntries(own), TZ: "UTC", XDG_STATE_HOME: folder, WHEREABOUTS_LOG_FORMAT: "pretty" };
  const started: Started[] = [];
  try {
    for (const [i, command] of commands.entries()) {
      const words = host.command(await runnable(command, folder));
      const one = new Started(command, words, { cwd: folder, env });
      started.push(one);
      // A program in two terminals: the first one waits for the second one.
      const again = commands.slice(i + 1).some(({ words }) => files.has(words[1]!) && words[1] === command.words[1]);
      if (!(command.goesOn && again)) await one.done();
    }
    for (const one of started) await one.done();
  } finally {
    const errors = await Promise.all(started.reverse().map((one) => one.stop()));
    await rm(folder, { recursive: true });
    expect(errors.join("")).toBe("");
  }
}

/** The command line, with the runtimes and the checkout of this test. */
async function runnable({ words, where }: Command, folder: string): Promise<string[]> {
  const [program, second, third] = words;
  if (program === "bun" && second === "run" && third === "server") return [process.execPath, MAIN, ...words.slice(2)];
  if (program === "bun" && second === "run" && third === "whereabouts") {
    return [process.execPath, MAIN, ...words.slice(3)];
  }
  if (program === "npx" && second === "whereabouts") return [process.execPath, MAIN, ...words.slice(2)];
  if (program === "bun" && /\.(mjs|ts)$/.test(second!)) return [process.execPath, ...words.slice(1)];
  if (program === "node" && second!.endsWith(".mjs")) {
    const bundle = join(folder, `node-${second}`);
    await bundleForNode(join(folder, second!), bundle);
    return [NODE, bundle, ...words.slice(2)];
  }
  throw new Error(
    `${where}: only bun run server, bun run whereabouts, npx whereabouts, bun FILE and node FILE can be run`,
  );
}

describe("a terminal session", () => {
  const plays = new Map<string, Promise<void>>();
  const networks: Awaited<ReturnType<typeof twoHosts>>[] = [];

  beforeAll(async () => {
    if (!hasNetns) return;
    for (const [page, session] of sessions) {
      const network = await twoHosts();
      networks.push(network);
      const played = play(session, network.a);
      played.catch(() => {});
      plays.set(page, played);
    }
  }, TEST_LIMIT_MS);

  afterAll(async () => {
    await Promise.allSettled(plays.values());
    for (const network of networks) await network[Symbol.asyncDispose]();
  });

  for (const page of sessions.keys()) {
    testIf(hasNetns, NEEDS_NETNS)(
      `of ${page} prints what the page shows`,
      async () => {
        await plays.get(page);
      },
      TEST_LIMIT_MS,
    );
  }

  test("matches output that differs in times, addresses of documentation and where it has an ellipsis", () => {
    const output = new Output("2026-01-02T03:04:05+00:00 sent to 192.168.0.34 in 8 s\n…\nend of …\n", false);
    expect(output.matches("2031-11-12T13:14:15+01:00 sent to fe80::1%a0 in 8 s\na\nb\nend of it\n")).toBe(true);
    expect(output.matches("2031-11-12T13:14:15+01:00 sent to fe80::1%a0 in 9 s\nend of it\n")).toBe(false);
    expect(output.matches("2031-11-12T13:14:15+01:00 sent to fe80::1%a0 in 8 s\nend of it\nmore\n")).toBe(false);
    expect(new Output("sent\nconfirmed\n", false).begins("sent\nsent\nconfirmed\nsent\n")).toBe(true);
    expect(new Output("sent\nconfirmed\n", false).begins("confirmed\n")).toBe(false);
    expect(new Output("up 8 s,  1,000 nodes\n", true).matches("up 12 s, 7 nodes\n")).toBe(true);
  });
});
