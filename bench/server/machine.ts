/** The machine under a bench: what it is, which processors there are to run on, and what processes have used. Linux: /proc. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, type } from "node:os";

/** Kernel ticks of user and system time, 100 a second wherever Linux runs. */
const TICK_US = 10_000;

export interface Machine {
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly bun: string;
  /** Processes that wanted to run in the last minute, on average: what else there was to do. */
  readonly loadAverage: number;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    kernel: `${type()} ${release()} ${process.arch}`,
    processor: first?.model ?? "unknown",
    processors: allowedProcessors().length,
    bun: Bun.version,
    loadAverage: Math.round(loadavg()[0]! * 100) / 100,
  };
}

function status(pid: number | "self", name: string): string {
  const value = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (value === undefined) throw new Error(`/proc/${pid}/status has no ${name}`);
  return value;
}

/** Those that this process may run on: a container may have a few of many. */
export function allowedProcessors(): number[] {
  return status("self", "Cpus_allowed_list")
    .split(",")
    .flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Where server and load run. Without processors to tell them apart by, both run wherever the kernel puts them. */
export interface Placement {
  readonly server: readonly string[];
  readonly load: readonly string[];
  /** Processors that are left for the load. */
  readonly loadProcessors: number;
  readonly text: string;
}

/** A server of `workers` workers on as many processors, the load on the others: if there are enough, and taskset is there. */
export function place(workers: number): Placement {
  const allowed = allowedProcessors();
  const others = allowed.slice(workers);
  if (Bun.which("taskset") === null || others.length === 0) {
    const why = others.length === 0 ? "too few to part them" : "no taskset to part them";
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

/** Microseconds of processor that a process has used, user and system, all threads; whole ticks of 10 ms. */
export function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Bytes of memory that a process has from the system. */
export function resident(pid: number): number {
  return Number.parseInt(status(pid, "VmRSS"), 10) * 1024;
}

/** Bytes that the system could give without taking them from somebody. */
export function availableMemory(): number {
  const kib = /^MemAvailable:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1];
  return kib === undefined ? Number.POSITIVE_INFINITY : Number(kib) * 1024;
}
