import type { FromWorker } from "../../src/server/workers/messages.ts";

const WORKER = "src/server/workers/worker.ts";
const HTTPS_WORKER = "src/server/https/worker.ts";

/** Gives a test access to the threads that a server starts, and to the memory that its packet workers share. */
export class Threads implements Disposable {
  /** The packet workers, in the order in which they were started. */
  readonly list: Worker[] = [];
  /** The threads that answer requests over HTTPS, in the same order. */
  readonly https: Worker[] = [];
  /** The system's numbers of their threads. */
  readonly numbers = new Map<Worker, number>();
  #memory: WebAssembly.Memory | undefined;
  readonly #original = globalThis.Worker;

  /** @param script the module that the workers run instead of their own. */
  constructor(script = WORKER) {
    const { list, https, numbers } = this;
    const Original = this.#original;
    const keep = (memory: WebAssembly.Memory | undefined) => {
      this.#memory ??= memory;
    };
    globalThis.Worker = class extends Original {
      constructor(url: string, options?: WorkerOptions) {
        super(url.replace(WORKER, script), options);
        if (url.includes(HTTPS_WORKER)) https.push(this);
        if (!url.includes(WORKER)) return;
        list.push(this);
        this.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
          if (data.type === "thread") numbers.set(this, data.thread!);
        });
      }

      override postMessage(message: unknown): void {
        keep((message as { start?: { memory: WebAssembly.Memory } }).start?.memory);
        super.postMessage(message);
      }
    } as typeof Worker;
  }

  /** The memory of the engines. @throws {Error} if no worker was started yet. */
  get memory(): WebAssembly.Memory {
    if (this.#memory === undefined) throw new Error("no worker was started");
    return this.#memory;
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#original;
  }
}
