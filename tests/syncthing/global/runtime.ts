/** `GlobalServer` under Bun and under Node. */
import { join } from "node:path";
import { bundleForNode } from "../../support/bundle.ts";
import { OutputLines } from "../../support/command.ts";
import type { Folder } from "../../support/folder.ts";
import { NODE } from "../../support/node.ts";

/** What is done with one `GlobalServer`: first the announcement, then all lookups at once. */
export interface Task {
  readonly url: string;
  readonly identity?: { readonly certificate: string; readonly key: string };
  readonly timeout?: number;
  readonly announce?: readonly string[];
  /** Device IDs in hex. */
  readonly lookups?: readonly string[];
  /** Ends the lookups when they have begun; or leaves the server's client open when all is done. */
  readonly stop?: "close" | "abort" | "never";
}

/** What `GlobalServer` returned or threw. */
export interface Result {
  readonly addresses?: readonly string[];
  readonly seenAt?: number;
  readonly retryAfter?: number;
  readonly reannounceAfter?: number;
  /** Name and message. */
  readonly error?: string;
  readonly code?: string;
}

const PROGRAM = join(import.meta.dir, "client.ts");

/** A process that does tasks. */
export class Client implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Map<number, (results: Result[]) => void>();
  #number = 0;

  private constructor(argv: readonly string[], authority: string) {
    this.#child = Bun.spawn([...argv], {
      env: { ...Bun.env, NODE_EXTRA_CA_CERTS: authority },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    void this.#read();
  }

  /** @param authority - a PEM file with a certificate that the client trusts */
  static async start(runtime: "Bun" | "Node", folder: Folder, authority: string): Promise<Client> {
    if (runtime === "Bun") return new Client([process.execPath, PROGRAM], authority);
    const bundle = folder.at("client.mjs");
    await bundleForNode(PROGRAM, bundle);
    return new Client([NODE, bundle], authority);
  }

  /** Resolves with a result for the announcement and one for each lookup. */
  run(task: Task): Promise<Result[]> {
    const number = this.#number++;
    this.#child.stdin.write(`${JSON.stringify({ number, task })}\n`);
    void this.#child.stdin.flush();
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  /** Resolves when the process has ended by itself, because it has nothing left to do. */
  async end(): Promise<number> {
    this.#child.stdin.end();
    return await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    const lines = new OutputLines(this.#child.stdout);
    for (;;) {
      const line = await lines.next(/^\{/).catch(() => undefined);
      if (line === undefined) return;
      const { number, results } = JSON.parse(line) as { number: number; results: Result[] };
      this.#waiting.get(number)?.(results);
    }
  }
}
