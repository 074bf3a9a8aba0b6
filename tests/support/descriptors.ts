import { fstatSync, readdirSync } from "node:fs";

/** How many descriptors of this process are sockets. */
export function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return fstatSync(Number(fd)).isSocket();
    } catch {
      // The descriptor through which the folder itself was read.
      return false;
    }
  }).length;
}
