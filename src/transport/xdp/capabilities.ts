/** The capabilities that the transport xdp needs, capabilities(7). */
import { readFileSync } from "node:fs";

/** Numbers of capabilities, with those that include them. */
const CAP_SYS_ADMIN = 21;
const NEEDED = {
  CAP_NET_ADMIN: [12, CAP_SYS_ADMIN],
  CAP_NET_RAW: [13],
  CAP_BPF: [39, CAP_SYS_ADMIN],
} as const;

/** The capabilities that the transport needs, and those of them that this process does not have. */
export function missingCapabilities(): { readonly needed: string[]; readonly missing: string[] } {
  let effective = -1n;
  try {
    effective = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]}`);
  } catch {
    // Without /proc nothing is known to be missing.
  }
  const has = (capability: number) => ((effective >> BigInt(capability)) & 1n) === 1n;
  const missing = Object.entries(NEEDED).filter(([, numbers]) => !numbers.some(has));
  return { needed: Object.keys(NEEDED), missing: missing.map(([name]) => name) };
}
