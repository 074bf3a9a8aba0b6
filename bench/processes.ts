/** What benches need of processes and of loopback. */
import { threadTimes } from "./server/machine.ts";
import { sum } from "./statistics.ts";

/** Puts a command first in line for a processor: its own waits would count as the server's. Only root may raise its priority. */
export const FIRST_IN_LINE =
  process.getuid?.() === 0 && Bun.which("nice") !== null ? (["nice", "-n", "-10"] as const) : [];

/** Processor time of a process's threads, in microseconds, as the scheduler counts it. Threads that have ended are missing. */
export function processorTimeOfThreads(pid: number): number {
  return sum([...threadTimes(pid).values()]);
}

/** A TCP port of loopback that is free now. */
export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
