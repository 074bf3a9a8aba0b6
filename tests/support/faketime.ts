/** libfaketime, which gives a program another clock. */
import { rmSync } from "node:fs";

const [LIBRARY] = [...new Bun.Glob("usr/lib/*/faketime/libfaketimeMT.so.1").scanSync({ cwd: "/", absolute: true })];

export const hasFaketime = LIBRARY !== undefined;
export const NEEDS_FAKETIME = "needs libfaketime";

/** Variables that load it. */
export function faketime(): Record<string, string> {
  return { LD_PRELOAD: LIBRARY! };
}

/** Removes the shared memory that a killed process has left behind. With it, a later process with the same number could not start. */
export function removeSharedMemory(pid: number): void {
  for (const name of [`sem.faketime_sem_${pid}`, `faketime_shm_${pid}`]) rmSync(`/dev/shm/${name}`, { force: true });
}
