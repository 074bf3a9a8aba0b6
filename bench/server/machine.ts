/**
 * The machine that a bench runs on, its processors, and the resources that processes have used. All but `machine` is
 * for Linux only.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, type } from "node:os";
import { version } from "../../package.json";
import { loadLibc } from "../../src/transport/libc.ts";
import { checked } from "../../src/transport/socket.ts";

export interface Machine {
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly bun: string;
  /** The version of this package. */
  readonly whereabouts: string;
  /** Load average of the last minute: how busy the machine was with other work. */
  readonly loadAverage: number;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    kernel: `${type()} ${release()} ${process.arch}`,
    processor: first?.model ?? "unknown",
    processors: process.platform === "linux" ? allowedProcessors().length : navigator.hardwareConcurrency,
    bun: Bun.version,
    whereabouts: version,
    loadAverage: Math.round(loadavg()[0]! * 100) / 100,
  };
}

function status(pid: number | "self", name: string): string {
  const value = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (value === undefined) throw new Error(`/proc/${pid}/status has no ${name}`);
  return value;
}

/** Numbers of the processors that this process may use. A container may be restricted to some of them. */
export function allowedProcessors(): number[] {
  return status("self", "Cpus_allowed_list")
    .split(",")
    .flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Which processors server and load run on. Both are empty if they cannot be separated: the kernel places them. */
export interface Placement {
  /** Command prefix that pins a process. */
  readonly server: readonly string[];
  readonly load: readonly string[];
  /** Number of processors for the load. */
  readonly loadProcessors: number;
  readonly text: string;
}

/**
 * Gives the server one processor per worker and the load the others, if there are enough and `taskset` is installed.
 */
export function place(workers: number): Placement {
  const allowed = allowedProcessors();
  const others = allowed.slice(workers);
  if (Bun.which("taskset") === null || others.length === 0) {
    const why = others.length === 0 ? "too few to separate them" : "taskset is not installed";
    return {
      server: [],
      load: [],
      loadProcessors: 1,
      text: `server and load share ${allowed.length} processors (${why})`,
    };
  }
  const [server, load] = [allowed.slice(0, workers).join(), others.join()] as const;
  return {
    server: ["taskset", "-c", server],
    load: ["taskset", "-c", load],
    loadProcessors: others.length,
    text: `server on processor ${server}, load on ${load}`,
  };
}

/**
 * Processor time that a process has used (user and system, all threads, also those that have ended), in microseconds. /proc/PID/stat
 * has the same in ticks of 10 ms, which are too long for a short load on a busy machine.
 */
export function processorTime(pid: number): number {
  const libc = loadLibc();
  // struct timespec: seconds and nanoseconds.
  const time = new BigInt64Array(2);
  // The number of a process's clock, as clock_getcpuclockid makes it.
  const clock = (~pid << 3) | 2;
  checked(libc, "clock_gettime", libc.call.clock_gettime(clock, time));
  return Number(time[0]) * 1e6 + Number(time[1]) / 1000;
}

/** Processor time of each thread of a process, in microseconds, by its number. */
export function threadTimes(pid: number): Map<string, number> {
  const tasks = `/proc/${pid}/task`;
  const time = (thread: string) => Number(readFileSync(`${tasks}/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000;
  return new Map(readdirSync(tasks).map((thread) => [thread, time(thread)]));
}

/** Resident memory of a process, in bytes. */
export function resident(pid: number): number {
  return Number.parseInt(status(pid, "VmRSS"), 10) * 1024;
}

/** Memory that is available without swapping, in bytes; infinite if the kernel does not report it. */
export function availableMemory(): number {
  const kib = /^MemAvailable:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1];
  return kib === undefined ? Number.POSITIVE_INFINITY : Number(kib) * 1024;
}

/** A machine in one line, for the head of a report. */
export function machineLine({ kernel, processors, processor, bun, loadAverage }: Machine): string {
  return `${kernel}, ${processors} processors (${processor}), Bun ${bun}; load average before: ${loadAverage}`;
}
