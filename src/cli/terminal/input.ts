/** Standard input under Bun and Node. */
import { fstatSync } from "node:fs";

/** The bytes of standard input, chunk by chunk as they arrive. @throws the system's error if it cannot be read */
export function standardInput(): AsyncIterable<Uint8Array> {
  // Node would read a folder as if it were empty.
  if (fstatSync(0).isDirectory()) throw Object.assign(new Error("EISDIR"), { code: "EISDIR", syscall: "read" });
  return process.stdin;
}
