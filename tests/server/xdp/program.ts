/** A program of the tests in a virtual host. It answers each line of its standard input, a command in JSON, with a line in JSON. */
import { createInterface } from "node:readline";
import { OutputLines } from "../../support/command.ts";
import type { Host } from "../../support/netns.ts";

export class Program<Command> implements AsyncDisposable {
  readonly child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  /** What it has written to standard error, when it has ended. */
  readonly errors: Promise<string>;
  readonly #answers: OutputLines;

  /** @param by - a command that starts the program with other rights, such as `setpriv …` */
  constructor(host: Host, script: string, argument: unknown, by: readonly string[] = []) {
    const path = new URL(script, import.meta.url).pathname;
    this.child = Bun.spawn(host.command([...by, process.execPath, path, JSON.stringify(argument)]), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.errors = this.child.stderr.text();
    this.#answers = new OutputLines(this.child.stdout);
  }

  /** The answer to a command. @throws {Error} if the program has ended */
  async ask<Answer>(command: Command): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    this.child.stdin.flush();
    return await this.next();
  }

  /** Its next line of output. @throws {Error} with its standard error, if it has ended */
  async next<Answer>(): Promise<Answer> {
    try {
      return JSON.parse(await this.#answers.next(/^/));
    } catch {
      throw new Error(`the program has ended: ${await this.errors}`);
    }
  }

  /** Ends its standard input, and waits until it has ended. */
  async end(): Promise<void> {
    this.child.stdin.end();
    await this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

/** The other side: answers the commands in turn. Resolves when standard input ends. */
export async function answerCommands<Command>(answer: (command: Command) => unknown): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    console.log(JSON.stringify((await answer(JSON.parse(line))) ?? null));
  }
}
