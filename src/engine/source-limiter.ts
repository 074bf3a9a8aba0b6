/** The limits of sources, for threads that handle requests other than packets. Both count together. */
import { H_DRY_RUN, LIMIT_ANNOUNCEMENTS, LIMIT_NEW, LIMIT_QUERIES } from "../../assembly/layout.ts";
import { Lane } from "./lane.ts";
import { allowed, passSource, setSource } from "./limiter.ts";
import type { LimitName } from "./limits.ts";
import type { EngineMemory } from "./memory.ts";
import { EngineState } from "./state.ts";

const LIMITS = { queries: LIMIT_QUERIES, announcements: LIMIT_ANNOUNCEMENTS, new: LIMIT_NEW } as const;

export class SourceLimiter {
  readonly #state: EngineState;
  /** Room for an address in the memory: in a slot of the lane. */
  readonly #address: number;

  /** @param lane - whose slots no transport uses, and no other thread */
  constructor(memory: EngineMemory, lane: number) {
    this.#state = new EngineState(memory.buffer);
    this.#address = new Lane(memory, lane).addressAt(0);
  }

  /**
   * Whether a request of a source may pass by the limits on its host and on its network. If it may, both are charged.
   * Sources in an exempt network pass without a charge, and in a dry run all pass. No counter of the lane changes.
   *
   * @param source - 16 bytes; IPv4 as ::ffff:a.b.c.d
   * @param nowMs - the time of the engine's clock
   * @throws {RangeError} if the source has another length
   */
  passes(source: Uint8Array, limit: Exclude<LimitName, "node">, nowMs: number): boolean {
    if (source.length !== 16) throw new RangeError(`a source has 16 bytes, not ${source.length}`);
    const m = this.#state;
    m.u8.set(source, this.#address);
    if (allowed(m, this.#address)) return true;
    setSource(m, this.#address);
    return passSource(m, LIMITS[limit], nowMs) || m.u32[H_DRY_RUN >>> 2] !== 0;
  }
}
