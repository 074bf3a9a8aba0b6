/** Runs stall.ts. */
import type { EngineBackend } from "../../../src/engine/index.ts";
import type { Stall, StallStep } from "./stall.ts";

/** The error of a server whose worker hangs with a lock. */
export const HANGS =
  "packet worker 1 hangs in the middle of a change of the registry, and its thread did not end within 5 s: start the server again";

export async function runStall(engine: EngineBackend, step: StallStep, ms: number): Promise<Stall> {
  const script = new URL("./stall.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, engine, step, `${ms}`], { stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`stall.ts ${engine} ${step} ${ms} failed: ${error}`);
  return JSON.parse(out);
}

/** Checks the outcome of a stall. Returns the faults that it finds, or an empty text. */
export function wrongWith({ outcome, message, missing, damage }: Stall): string {
  if (missing > 0) return `${missing} nodes are missing`;
  if (damage !== "") return damage;
  return outcome === "ended" && message !== HANGS ? message : "";
}
