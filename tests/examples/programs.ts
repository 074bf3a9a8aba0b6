/**
 * Runs the examples that are plain JavaScript, as processes on virtual hosts: under Bun as they are, under Node as bundles.
 */
import { afterAll } from "bun:test";
import { join } from "node:path";
import { bundleForNode } from "../support/bundle.ts";
import { OutputLines } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { hasNode, NEEDS_NODE, NODE } from "../support/node.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const ROOT = join(import.meta.dir, "../..");
export const EXAMPLES = join(ROOT, "examples");

type Runtime = "bun" | "node";

export const RUNTIMES: readonly Runtime[] = ["bun", "node"];

/** Two instances of an example: alike, and mixed. */
export const PAIRS: readonly [Runtime, Runtime][] = [
  ["bun", "bun"],
  ["node", "node"],
  ["bun", "node"],
  ["node", "bun"],
];

/** A test that needs virtual hosts, and these runtimes. */
export function testOnHosts(runtimes: readonly Runtime[], name: string, run: () => Promise<void>): void {
  const canRun = hasNode || !runtimes.includes("node");
  testIf(hasNetns && canRun, canRun ? NEEDS_NETNS : NEEDS_NODE)(name, run, LONG_LIMIT_MS);
}

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
/** The bundles for Node by example: each is made once. */
const bundles = new Map<string, Promise<string>>();

async function bundle(name: string): Promise<string> {
  const outfile = folder.at(`${name}.mjs`);
  await bundleForNode(join(EXAMPLES, `${name}.js`), outfile);
  return outfile;
}

/** The file of an example for a runtime. For Node the client is bundled into it, because Node cannot run the sources. */
async function programFile(name: string, runtime: Runtime): Promise<string> {
  if (runtime === "bun") return join(EXAMPLES, `${name}.js`);
  const made = bundles.get(name) ?? bundle(name);
  bundles.set(name, made);
  return await made;
}

/** A running example, with what a person sees on its terminal. */
export class Program implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly out: OutputLines;
  readonly errors: OutputLines;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "pipe">) {
    this.#child = child;
    this.out = new OutputLines(child.stdout);
    this.errors = new OutputLines(child.stderr);
  }

  /** Starts an example on a host. */
  static async start(host: Host, runtime: Runtime, name: string, ...args: string[]): Promise<Program> {
    const file = await programFile(name, runtime);
    const command = host.command([runtime === "bun" ? process.execPath : NODE, file, ...args]);
    return new Program(Bun.spawn(command, { stdio: ["pipe", "pipe", "pipe"] }));
  }

  /** Waits for a line of the output that matches. */
  sees(pattern: RegExp): Promise<string> {
    return this.out.next(pattern);
  }

  /** Waits until there was a line for each pattern, in any order. */
  async seesAll(...patterns: RegExp[]): Promise<void> {
    const left = new Set(patterns);
    while (left.size > 0) {
      const line = await this.out.next(/^/);
      for (const pattern of left) if (pattern.test(line)) left.delete(pattern);
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
  }

  /** What Ctrl-C does. */
  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
