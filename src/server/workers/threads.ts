/** The threads of this process as Linux describes them in /proc: which ones wait for a processor, and which ones have ended. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

const TASKS = "/proc/self/task";
/** Unit of processor times in /proc, in ms. */
const CLOCK_TICK_MS = 10;

/** Number of the calling thread; undefined where there is no /proc. */
export function ownThread(): number | undefined {
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return undefined;
  }
}

/** Whether a thread of this process has not ended. */
export function isAlive(thread: number): boolean {
  try {
    statSync(`${TASKS}/${thread}`);
    return true;
  } catch {
    return false;
  }
}

/** Whether a thread of this process takes no signals: a debugger has stopped it, or it waits for a disk. */
export function takesNoSignals(thread: number): boolean {
  return ["t", "T", "D"].includes(readFields(thread)?.[0] ?? "");
}

export interface ThreadState {
  /** It runs, or waits for a processor. Otherwise it sleeps, or a debugger has stopped it. */
  readonly runnable: boolean;
  /** Processor time that it has used, in ms. */
  readonly cpuMs: number;
  /** It is starved: it was runnable at this reading and the one before, and did not run in between. */
  readonly starved: boolean;
}

/** The states of all threads of this process, read again and again. */
export class ThreadStates {
  #last = new Map<number, ThreadState>();
  /** Whether a thread of this process is starved. */
  starved = false;

  /** Reads all states. Where there is no /proc, or no free descriptor to read it, they are unknown. */
  read(): void {
    const before = this.#last;
    this.#last = new Map();
    this.starved = false;
    let threads: string[] = [];
    try {
      threads = readdirSync(TASKS);
    } catch {}
    for (const thread of threads) {
      const state = readState(thread, before.get(Number(thread)));
      if (state === undefined) continue;
      this.#last.set(Number(thread), state);
      this.starved ||= state.starved;
    }
  }

  /** Forgets the last reading: the next one will not be compared with it. */
  clear(): void {
    this.#last.clear();
  }

  /** The state of a thread; undefined if it is unknown. */
  get(thread: number | undefined): ThreadState | undefined {
    return thread === undefined ? undefined : this.#last.get(thread);
  }
}

function readState(thread: string, before: ThreadState | undefined): ThreadState | undefined {
  const fields = readFields(thread);
  if (fields === undefined) return undefined;
  const runnable = fields[0] === "R";
  const cpuMs = usedMs(fields);
  return { runnable, cpuMs, starved: runnable && before?.runnable === true && before.cpuMs === cpuMs };
}

/** Processor time that a thread of this process has used, in ms; undefined if it has ended or there is no /proc. */
export function threadCpuMs(thread: number | undefined): number | undefined {
  const fields = thread === undefined ? undefined : readFields(thread);
  return fields && usedMs(fields);
}

function usedMs(fields: readonly string[]): number {
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

/** The fields of a thread's state from the third on. The second, its name, is in parentheses and may contain anything. */
function readFields(thread: number | string): string[] | undefined {
  try {
    const text = readFileSync(`${TASKS}/${thread}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
