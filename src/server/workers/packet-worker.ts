/** The control thread's view of a packet worker: a thread with one lane of the engine and sockets of its own. */
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startThread } from "../../threads/start.ts";
import {
  closeRecordedSockets,
  createSocketRecord,
  recordedInodes,
  revokeRecordedSockets,
} from "../../transport/socket-record.ts";
import type { XdpLoan } from "../../transport/xdp/socket.ts";
import { ServerError } from "../error.ts";
import type { FromWorker, Listening, ToWorker, WorkerStart } from "./messages.ts";
import type { WorkerReports } from "./reports.ts";
import { isAlive, takesNoSignals } from "./threads.ts";
import { TICK_MS, type Ticks } from "./ticks.ts";

/** Timeout for a new worker until it listens, in ticks at which no thread was starved. */
const START_TICKS = 50;
/** How often to check whether a thread has ended whose end was reported. */
const GONE_MS = 1;
/** How often to check whether a thread can be terminated. */
const RETRY_MS = 20;

/** Descriptors that a new worker may need: its sockets, files that it reads, and those of Bun. */
const DESCRIPTORS = 16;

export class PacketWorker {
  /** The slot that it works for, from 1 on, for log lines. */
  readonly number: number;
  readonly lane: number;
  /** Its thread; undefined until the thread has reported it, and where threads have no numbers. */
  thread: number | undefined;
  /** Where it listens; rejects with a {@link ServerError} if it cannot, with the `host` that failed if that is known. */
  readonly listening: Promise<Listening>;
  /** Resolves with the error when the worker fails or its thread ends. After a stop that was asked for, it means nothing. */
  readonly failed: Promise<ServerError>;
  /** Resolves when the worker has stopped or failed. It processes no datagrams afterwards. */
  readonly stopped: Promise<void>;
  /** Resolves when the thread has ended: it will never run again, so what it left behind can be repaired. */
  readonly ended: Promise<void>;
  /** Called when it serves the queue that it was lent, and when it does not use it any more. */
  onQueue: (what: "lent" | "returned", loan: number) => void = () => {};
  readonly #worker: Worker;
  /** The sockets that the thread has open. */
  readonly #socketRecord = createSocketRecord();

  /** @param onWarning - called with problems with which the worker goes on */
  constructor(
    number: number,
    start: Omit<WorkerStart, "socketRecord" | "report">,
    ticks: Ticks,
    reports: WorkerReports,
    onWarning: (text: string) => void = () => {},
  ) {
    this.number = number;
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
    const worker = startThread("server/workers/worker.ts", (message) => fail(lastLine(message)));
    this.#worker = worker;
    let ticksLeft = START_TICKS;
    const endWatch = ticks.each(() => {
      if (ticks.onTime && !ticks.starved) ticksLeft--;
      if (ticksLeft === 0) fail(`it did not listen within ${(START_TICKS * TICK_MS) / 1000} s`);
    });
    const fail = (message: string, code?: string, host?: string) => {
      endWatch();
      const error = Object.assign(new ServerError(message, code), { host });
      listening.reject(error);
      failed.resolve(error);
      stopped.resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "thread") this.thread = data.thread;
      else if (data.type === "stopped") stopped.resolve();
      else if (data.type === "failed") fail(data.message, data.code, data.host);
      else if (data.type === "warning") onWarning(data.text);
      else if (data.type === "lent" || data.type === "returned") this.onQueue(data.type, data.loan);
      else {
        endWatch();
        listening.resolve(data.listening);
      }
    };
    worker.addEventListener("close", () => {
      void this.#threadGone().then(ended.resolve);
      fail("its thread ended");
    });
    const report = reports.open();
    void this.ended.then(() => reports.close(report));
    this.#send({ type: "start", start: { ...start, socketRecord: this.#socketRecord, report } });
  }

  /** The inode numbers of its open sockets. */
  get inodes(): number[] {
    return recordedInodes(this.#socketRecord);
  }

  /** Lends the worker a queue of an interface; see `onQueue`. Only of the transport xdp. */
  lend(loan: XdpLoan): void {
    this.#send({ type: "lend", loan });
  }

  /** Asks the worker to stop using its queue; see `onQueue`. */
  giveBack(loan: number): void {
    this.#send({ type: "give-back", loan });
  }

  /** Asks the worker to stop; see `stopped`. */
  stop(): void {
    this.#send({ type: "stop" });
  }

  /**
   * Terminates the thread. When it has ended, its sockets are closed. A thread that is stuck in wasm code, or that a debugger
   * has stopped, does not end: see {@link revokeSockets}.
   *
   * @returns whether the thread ended within `ms`
   */
  end(ms: number): Promise<boolean> {
    void this.#terminate();
    // Bun closes sockets of its own. If the thread ends late, it may have opened a socket meanwhile.
    const closed = this.ended.then(() => closeRecordedSockets(this.#socketRecord));
    return within(ms, closed);
  }

  /**
   * Closes the worker's sockets, whatever its thread is doing: the other workers get its share of the packets. May be called
   * again.
   *
   * @throws {Error} a system error, if no descriptor is free
   */
  revokeSockets(): void {
    revokeRecordedSockets(this.#socketRecord);
  }

  /**
   * Terminates the thread as soon as it takes signals. Before that, Bun would wait for its answer to one, with a lock held
   * that this thread needs for its garbage collection.
   */
  async #terminate(): Promise<void> {
    while (this.thread !== undefined && takesNoSignals(this.thread)) await sleep(RETRY_MS, undefined, { ref: false });
    this.#worker.terminate();
  }

  /** Bun reports the end of a thread when it runs no more JavaScript. The system knows when it has really ended. */
  async #threadGone(): Promise<void> {
    while (this.thread !== undefined && isAlive(this.thread)) await sleep(GONE_MS);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/**
 * Checks that enough descriptors are free for another worker. Bun ends the whole process if it starts a thread and there is
 * none.
 *
 * @throws {ServerError} with `code` EMFILE or ENFILE if there are too few
 */
export function checkDescriptors(): void {
  const free: number[] = [];
  try {
    while (free.length < DESCRIPTORS) free.push(openSync(devNull, "r"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice = code === "ENFILE" ? "the system's limit with sysctl -w fs.file-max=N" : "the limit with ulimit -n";
    throw new ServerError(`too many files are open: raise ${advice}`, code);
  } finally {
    for (const fd of free) closeSync(fd);
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
