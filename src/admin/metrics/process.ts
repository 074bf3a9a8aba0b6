/**
 * The metrics of the process, with the names that all clients of Prometheus use. prom-client's own set also measures the
 * event loop and the garbage collector, by interfaces of Node that Bun has only in part.
 */
import { readdirSync, readFileSync } from "node:fs";
import { counter, type Definition, gauge } from "./metric.ts";

export interface ProcessReading {
  /** Microseconds. */
  readonly cpu: NodeJS.CpuUsage;
}

export const PROCESS_METRICS: readonly Definition<ProcessReading>[] = [
  counter("process_cpu_user_seconds_total", "Processor time in user mode.", ({ cpu }) => cpu.user / 1e6),
  counter("process_cpu_system_seconds_total", "Processor time in the kernel.", ({ cpu }) => cpu.system / 1e6),
  counter("process_cpu_seconds_total", "Processor time.", ({ cpu }) => (cpu.user + cpu.system) / 1e6),
  gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", () => STARTED_AT),
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss()),
  gauge("process_open_fds", "Open file descriptors.", openDescriptors),
  gauge("process_max_fds", "The most file descriptors that may be open.", mostDescriptors),
];

// Computed once: it must not change when the clock is set.
const STARTED_AT = Date.now() / 1000 - process.uptime();

/** undefined where there is no /proc. */
function openDescriptors(): number | undefined {
  try {
    // Without the one that reads the folder.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

/** undefined if there is no limit, too. */
function mostDescriptors(): number | undefined {
  try {
    const most = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}
