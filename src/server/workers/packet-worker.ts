/** The control thread's view of a packet worker: a thread with one lane of the engine and one socket. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  closeRecordedSocket,
  createSocketRecord,
  type OpenSocket,
  recordedSocket,
  revokeSocket,
  socketOf,
} from "../../transport/socket-record.ts";
import { ServerError } from "../error.ts";
import type { FromWorker, Listening, ToWorker, WorkerStart } from "./messages.ts";

/** Timeout for a new worker until it listens. Generous, since the machine may be busy. */
const START_MS = 5000;

export class PacketWorker {
  readonly lane: number;
  /** The socket; rejects with a {@link ServerError} if the worker cannot listen. */
  readonly listening: Promise<Listening>;
  /** Resolves with the error when the worker fails or its thread ends. After a stop that was asked for, it means nothing. */
  readonly failed: Promise<ServerError>;
  /** Resolves when the worker has stopped or failed. It processes no datagrams afterwards. */
  readonly stopped: Promise<void>;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  /** The socket that the thread has open, as long as Bun would not close it. */
  readonly #socketRecord = createSocketRecord();
  /** The socket that the thread listens on. */
  #socket: OpenSocket | undefined;

  constructor(start: Omit<WorkerStart, "socketRecord">) {
    this.lane = start.lane;
    const listening = Promise.withResolvers<Listening>();
    const failed = Promise.withResolvers<ServerError>();
    const stopped = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.listening = listening.promise;
    this.failed = failed.promise;
    this.stopped = stopped.promise;
    this.ended = ended.promise;
    // An unhandled rejection here must not crash the program.
    listening.promise.catch(() => {});
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    this.#worker = worker;
    const timeout = setTimeout(() => fail(`it did not listen within ${START_MS / 1000} s`), START_MS);
    const fail = (message: string, code?: string) => {
      clearTimeout(timeout);
      const error = new ServerError(message, code);
      listening.reject(error);
      failed.resolve(error);
      stopped.resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "stopped") stopped.resolve();
      else if (data.type === "failed") fail(data.message, data.code);
      else {
        clearTimeout(timeout);
        if (data.listening.fd !== undefined) this.#socket = socketOf(data.listening.fd);
        listening.resolve(data.listening);
      }
    };
    worker.onerror = ({ message }) => fail(lastLine(message));
    worker.addEventListener("close", () => {
      ended.resolve();
      fail("its thread ended");
    });
    this.#send({ type: "start", start: { ...start, socketRecord: this.#socketRecord } });
  }

  /** Asks the worker to stop; see `stopped`. */
  stop(): void {
    this.#send({ type: "stop" });
  }

  /**
   * Terminates the thread and closes its socket. A thread that is stuck in wasm code does not end, but loses its socket too.
   *
   * @returns whether the thread ended within `ms`
   */
  async end(ms: number): Promise<boolean> {
    this.#worker.terminate();
    // Bun closes sockets of its own. If the thread ends late, it may have opened a socket meanwhile.
    const closed = this.ended.then(() => closeRecordedSocket(this.#socketRecord));
    const ended = await within(ms, closed);
    if (!ended) this.revokeSocket();
    return ended;
  }

  /** Closes the worker's socket, whatever its thread is doing: the other workers get its share of the packets. */
  revokeSocket(): void {
    const socket = this.#socket ?? recordedSocket(this.#socketRecord);
    if (socket !== undefined) revokeSocket(socket);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/** The error itself: Bun's message starts with an excerpt of the source code. */
function lastLine(message: string): string {
  return (
    message
      .trim()
      .split("\n")
      .findLast((line) => line.startsWith("error: "))
      ?.slice(7) ?? message.trim()
  );
}

/** Whether `promise` resolves within `ms`. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const late = sleep(ms, false, { signal: settled.signal }).catch(() => false);
  const first = await Promise.race([promise.then(() => true), late]);
  settled.abort();
  return first;
}
