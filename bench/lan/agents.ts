/** Starts agents: programs with discoverers, some in Bun and some in Node, each in a virtual host. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Host } from "../../tests/support/netns.ts";
import type { Commands, Request, Response } from "./agent.ts";

export type Runtime = "bun" | "node";

export const RUNTIME_NAMES: Readonly<Record<Runtime, string>> = { bun: "Bun", node: "Node" };
/** The runtimes of this machine. */
export const RUNTIMES: readonly Runtime[] = Bun.which("node") === null ? ["bun"] : ["bun", "node"];

/** The agents' program as one file that both runtimes can run. */
export class AgentProgram {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static async build(): Promise<AgentProgram> {
    const folder = mkdtempSync(join(tmpdir(), "whereabouts-bench-lan-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const program = new AgentProgram(join(folder, "agent.mjs"));
    await build({
      entryPoints: [join(import.meta.dir, "agent.ts")],
      bundle: true,
      format: "esm",
      platform: "node",
      target: "es2022",
      outfile: program.#file,
      logLevel: "error",
    });
    return program;
  }

  start(host: Host, runtime: Runtime): Agent {
    return new Agent(host.command([runtime === "bun" ? process.execPath : "node", this.#file]), runtime);
  }
}

export class Agent implements AsyncDisposable {
  readonly runtime: Runtime;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #ended = false;

  constructor(command: string[], runtime: Runtime) {
    this.runtime = runtime;
    this.#child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    void this.#read();
  }

  /** @throws {Error} if the agent fails or has ended */
  async ask<K extends keyof Commands>(what: K, request: Commands[K]["request"]): Promise<Commands[K]["response"]> {
    if (this.#ended) throw new Error("an agent has ended; its error is above");
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.stdin.write(`${JSON.stringify({ ...request, id, do: what } as Request)}\n`);
    this.#child.stdin.flush();
    return (await promise) as Commands[K]["response"];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#settle(JSON.parse(line));
    }
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new Error("an agent has ended; its error is above"));
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if ("error" in response) waiting?.reject(new Error(`an agent failed: ${response.error}`));
    else waiting?.resolve(response.result);
  }
}

/** Ends all agents, also if one of them fails. */
export async function endAgents(agents: readonly Agent[]): Promise<void> {
  await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
}
