/** What the engine does when the registry contradicts itself: every loop over a queue or an index has a bound. */
import { H_DAMAGED } from "./layout";

/**
 * Reports that the registry is damaged, and returns false. The control thread then stops the server: its next start begins
 * with what the journal has.
 */
export function reportDamage(): bool {
  atomic.store<u32>(H_DAMAGED, 1);
  return false;
}
