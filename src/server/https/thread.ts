/** The control thread's view of a thread that answers requests. */
import { startThread } from "../../threads/start.ts";
import { ServerError } from "../error.ts";
import type { Devices } from "./devices.ts";
import type { DirectoryPorts, DirectoryStart, FromDirectory, ToDirectory } from "./messages.ts";

/** A thread cannot listen, or it failed. */
export class DirectoryError extends ServerError {
  /** Where it cannot listen; undefined for any other failure. */
  readonly option: "https" | "http" | undefined;

  constructor(message: string, code?: string, option?: "https" | "http") {
    super(message, code);
    this.option = option;
  }
}

export class DirectoryThread {
  /** Where it listens; rejects with a {@link DirectoryError} if it cannot. */
  readonly listening: Promise<DirectoryPorts>;
  /** Resolves with the error when it fails. After a stop that was asked for, it means nothing. */
  readonly failed: Promise<DirectoryError>;
  /** Resolves when it answers no more requests. */
  readonly stopped: Promise<void>;
  readonly #worker: Worker;

  /**
   * @param devices - store what devices announce
   * @param onFault - called with the reason when a request fails because of a fault of the server
   */
  constructor(start: DirectoryStart, devices: Devices, onFault: (message: string) => void) {
    const listening = Promise.withResolvers<DirectoryPorts>();
    const failed = Promise.withResolvers<DirectoryError>();
    const stopped = Promise.withResolvers<void>();
    this.listening = listening.promise;
    this.failed = failed.promise;
    this.stopped = stopped.promise;
    // An unhandled rejection here must not crash the program.
    listening.promise.catch(() => {});
    const fail = (error: DirectoryError) => {
      listening.reject(error);
      failed.resolve(error);
      stopped.resolve();
    };
    this.#worker = startThread("server/https/worker.ts", (message) => fail(new DirectoryError(message)));
    this.#worker.addEventListener("close", () => fail(new DirectoryError("its thread ended")));
    this.#worker.onmessage = ({ data }: MessageEvent<FromDirectory>) => {
      if (data.type === "announce") {
        const merged = devices.announce(data.id, data.addresses);
        this.#send({ type: "announced", number: data.number, merged });
      } else if (data.type === "listening") listening.resolve(data.ports);
      else if (data.type === "stopped") stopped.resolve();
      else if (data.type === "fault") onFault(data.message);
      else fail(new DirectoryError(data.message, data.code, data.option));
    };
    this.#send({ type: "start", start });
  }

  /** Asks it to stop; see `stopped`. */
  stop(): void {
    this.#send({ type: "stop" });
  }

  end(): void {
    this.#worker.terminate();
  }

  #send(message: ToDirectory): void {
    this.#worker.postMessage(message);
  }
}
