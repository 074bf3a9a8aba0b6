const WORKER = "src/server/workers/worker.ts";

/** The packet workers that a server starts, and the memory that they share, for who wants to do something to them. */
export class Threads implements Disposable {
  /** Those that were started, the latest last. */
  readonly list: Worker[] = [];
  #memory: WebAssembly.Memory | undefined;
  readonly #original = globalThis.Worker;

  /** @param script what is run in their place. */
  constructor(script = WORKER) {
    const { list } = this;
    const Original = this.#original;
    const keep = (memory: WebAssembly.Memory | undefined) => {
      this.#memory ??= memory;
    };
    globalThis.Worker = class extends Original {
      constructor(url: string, options?: WorkerOptions) {
        super(url.replace(WORKER, script), options);
        if (url.includes(WORKER)) list.push(this);
      }

      override postMessage(message: unknown): void {
        keep((message as { start?: { memory: WebAssembly.Memory } }).start?.memory);
        super.postMessage(message);
      }
    } as typeof Worker;
  }

  /** The engines' memory; there is one when a worker was started. */
  get memory(): WebAssembly.Memory {
    if (this.#memory === undefined) throw new Error("no worker was started");
    return this.#memory;
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#original;
  }
}
