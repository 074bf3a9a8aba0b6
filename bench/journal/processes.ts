/** Starts servers and Redis as child processes. */
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const ANNOUNCER = join(import.meta.dir, "announcer.ts");
const NO_LIMITS = ["--source-rate", "0", "--node-rate", "0", "--new-rate", "0"];

/** A child process whose standard output is searched while it runs. */
class LoggedProcess implements AsyncDisposable {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  #text = "";
  #ended = false;
  #wake: () => void = () => {};

  constructor(command: readonly string[]) {
    this.child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    void this.#read();
  }

  async #read(): Promise<void> {
    for await (const chunk of this.child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  /** Waits for the first match of `pattern` in the output. @returns its first group */
  async find(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#text)?.[1];
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the process ended before it printed ${pattern}: ${this.#text}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill();
    await this.child.exited;
  }
}

export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Nodes restored from the journal. */
  readonly restored: number;
  readonly restoreSeconds: number;
}

/** A server without rate limits, as its own process. Resolves when it listens and has restored its journal. */
export async function startServer(journal: string, args: readonly string[] = []): Promise<ServerProcess> {
  const flags = ["--host", "127.0.0.1", "--port", "0", "--log-format", "json", "--journal", journal];
  const logged = new LoggedProcess([process.execPath, MAIN, "server", ...flags, ...NO_LIMITS, ...args]);
  const port = Number(await logged.find(/"port":(\d+)/));
  const persistent = journal !== "memory";
  const restored = persistent ? Number(await logged.find(/"restored":(\d+)/)) : 0;
  const restoreSeconds = persistent ? Number(await logged.find(/"restoreSeconds":([\d.]+)/)) : 0;
  return {
    port,
    pid: logged.child.pid,
    restored,
    restoreSeconds,
    [Symbol.asyncDispose]: () => logged[Symbol.asyncDispose](),
  };
}

/** Starts announcer.ts: `rate` announcements per second of `nodes` nodes. */
export function spawnAnnouncer<Out extends "pipe" | "ignore">(
  rate: number,
  seconds: number,
  nodes: number,
  ports: readonly number[],
  stdout: Out,
) {
  const flags = Object.entries({ rate, seconds, nodes, ports: ports.join() }).flatMap(([name, value]) => [
    `--${name}`,
    `${value}`,
  ]);
  return Bun.spawn([process.execPath, ANNOUNCER, ...flags], { stdout, stderr: "inherit" });
}

export interface RedisProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** A Redis without persistence. @param folder - its working directory */
export async function startRedis(folder: string, port: number): Promise<RedisProcess> {
  const flags = ["--save", "", "--appendonly", "no", "--dir", folder];
  const logged = new LoggedProcess(["redis-server", "--bind", "127.0.0.1", "--port", `${port}`, ...flags]);
  await logged.find(/(Ready to accept connections)/);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: logged.child.pid,
    [Symbol.asyncDispose]: () => logged[Symbol.asyncDispose](),
  };
}
