/** A packet worker as the control thread sees it: a thread with one lane and one socket. */
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

/** How long a worker may take until it listens: the machine may be busy. */
const START_MS = 5000;

export class PacketWorker {
  readonly lane: number;
  /** What it listens on; rejects with a {@link ServerError} if it cannot. */
  readonly listening: Promise<Listening>;
  /** Why it is of no use any more, if it was not told to stop. */
  readonly failed: Promise<ServerError>;
  /** When it is done, told to stop or failed: nothing is judged any more. */
  readonly stopped: Promise<void>;
  /** When its thread has ended. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  /** The socket, as long as it is not Bun's. */
  readonly #socketRecord = createSocketRecord();
  /** The one that it listens on. */
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
    // It may fail when nobody waits for it to listen any more.
    listening.promise.catch(() => {});
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    this.#worker = worker;
    const late = setTimeout(() => fail(`it did not listen within ${START_MS / 1000} s`), START_MS);
    const fail = (message: string, code?: string) => {
      clearTimeout(late);
      const error = new ServerError(message, code);
      listening.reject(error);
      failed.resolve(error);
      stopped.resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "stopped") stopped.resolve();
      else if (data.type === "failed") fail(data.message, data.code);
      else {
        clearTimeout(late);
        if (data.listening.fd !== undefined) this.#socket = socketOf(data.listening.fd);
        listening.resolve(data.listening);
      }
    };
    worker.onerror = ({ message }) => fail(lastLine(message));
    worker.addEventListener("close", () => {
      ended.resolve();
      fail("its thread ended");
    });
    this.#tell({ type: "start", start: { ...start, socketRecord: this.#socketRecord } });
  }

  /** Asks it to stop; `stopped` tells when it has. */
  stop(): void {
    this.#tell({ type: "stop" });
  }

  /**
   * Ends its thread and closes its socket. Whether the thread ended within `ms`: one that is stuck in wasm code does not, but
   * has no socket any more.
   */
  async end(ms: number): Promise<boolean> {
    this.#worker.terminate();
    // What it has not noted is Bun's, which closes it. A thread that ends late may have opened one meanwhile.
    const closed = this.ended.then(() => closeRecordedSocket(this.#socketRecord));
    const ended = await within(ms, closed);
    if (!ended) this.revokeSocket();
    return ended;
  }

  /** Takes its socket from it, whatever it is at: the others that listen have its share of the packets. */
  revokeSocket(): void {
    const socket = this.#socket ?? recordedSocket(this.#socketRecord);
    if (socket !== undefined) revokeSocket(socket);
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/** Bun puts the source around an error into its message; what it is about comes last. */
function lastLine(message: string): string {
  return (
    message
      .trim()
      .split("\n")
      .findLast((line) => line.startsWith("error: "))
      ?.slice(7) ?? message.trim()
  );
}

/** Whether `promise` settles within `ms`. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const late = sleep(ms, false, { signal: settled.signal }).catch(() => false);
  const first = await Promise.race([promise.then(() => true), late]);
  settled.abort();
  return first;
}
