/** The process that makes the load, and what it found. */
import { join } from "node:path";
import type { Result, Task } from "./load/main.ts";

export class Loader implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  #answer = Promise.withResolvers<Result | { error: string }>();

  /** @param pin - command prefix that pins it to processors */
  constructor(pin: readonly string[]) {
    this.#child = Bun.spawn([...pin, process.execPath, join(import.meta.dir, "load/main.ts")], {
      ipc: (message) => this.#answer.resolve(message),
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    });
    void this.#child.exited.then(() => this.#answer.reject(new Error("the load generator ended")));
    this.#answer.promise.catch(() => {});
  }

  /** @throws {Error} with the reason, if the task could not be done */
  async do(task: Task): Promise<Result> {
    this.#answer = Promise.withResolvers();
    this.#child.send(task);
    const result = await this.#answer.promise;
    if ("error" in result) throw new Error(result.error);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
