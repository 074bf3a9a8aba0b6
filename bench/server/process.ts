/** Servers of ours as processes of their own, their processor time, and a Redis beside them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const NO_LIMITS = ["--source-rate", "0", "--node-rate", "0", "--new-rate", "0"];

/** Microseconds of processor that the threads have used so far which a process has now: the scheduler's count, in nanoseconds. */
export function processorTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const used = (thread: string) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
  return threads.reduce((sum, thread) => sum + used(thread), 0) / 1000;
}

export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

/** A process whose standard output is a log in JSON. */
export class Logged implements AsyncDisposable {
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

  /** The first group of the first match. */
  async find(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#text)?.[1];
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`it ended without ${pattern}: ${this.#text}`);
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
  /** Nodes restored, and the seconds that took. */
  readonly restored: number;
  readonly restoreSeconds: number;
}

export async function startServer(journal: string, args: readonly string[] = []): Promise<ServerProcess> {
  const flags = ["--host", "127.0.0.1", "--port", "0", "--log-format", "json", "--journal", journal];
  const logged = new Logged([process.execPath, MAIN, "server", ...flags, ...NO_LIMITS, ...args]);
  const port = Number(await logged.find(/"port":(\d+)/));
  const kept = journal !== "memory";
  const restored = kept ? Number(await logged.find(/"restored":(\d+)/)) : 0;
  const restoreSeconds = kept ? Number(await logged.find(/"restoreSeconds":([\d.]+)/)) : 0;
  return {
    port,
    pid: logged.child.pid,
    restored,
    restoreSeconds,
    [Symbol.asyncDispose]: () => logged[Symbol.asyncDispose](),
  };
}

export interface RedisProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** A Redis that keeps nothing. @param folder where it runs */
export async function startRedis(folder: string, port: number): Promise<RedisProcess> {
  const keeps = ["--save", "", "--appendonly", "no", "--dir", folder];
  const logged = new Logged(["redis-server", "--bind", "127.0.0.1", "--port", `${port}`, ...keeps]);
  await logged.find(/(Ready to accept connections)/);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: logged.child.pid,
    [Symbol.asyncDispose]: () => logged[Symbol.asyncDispose](),
  };
}

export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
