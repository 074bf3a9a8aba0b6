/** Twin of assembly/damage.ts: every loop over a queue or an index has a bound. */
import { H_DAMAGED } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/**
 * Reports that the registry is damaged, and returns false. The control thread then stops the server, which restores
 * everything from its journal when it starts again.
 */
export function reportDamage(m: EngineState): false {
  Atomics.store(m.u32, H_DAMAGED >>> 2, 1);
  return false;
}
