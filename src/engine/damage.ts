/** Twin of assembly/damage.ts: every loop over a queue or an index has a bound. */
import { H_DAMAGED } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/**
 * Reports that the registry is damaged, and returns false. The control thread then stops the server: its next start begins
 * with what the journal has.
 */
export function reportDamage(m: EngineState): false {
  Atomics.store(m.u32, H_DAMAGED >>> 2, 1);
  return false;
}
