/** The system's clock, which may step, beside the registry's clock, which does not. */
import { readFileSync } from "node:fs";
import type { RegistryClock } from "../journal.ts";
import { libc } from "./libc.ts";

/** A larger change is a step. A smaller one is a drift, which is followed. */
export const STEP_MS = 1000;
/** A smaller drift is not worth following. */
const DRIFT_MS = 50;
/** A step counts only if the clock is not set back within this time. */
const LASTING_MS = 5000;
const CLOCK_BOOTTIME = 7;

/** When this system booted, by the system's clock: another time for the same boot means that the clock was set. */
export interface Boot {
  /** Identifies the boot; empty if the system does not tell. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class WallClock {
  readonly #clock: RegistryClock;
  readonly #id = bootId();
  /** By how many ms the system's clock was ahead of the registry's when they were last compared. */
  #seen: number;
  #shift: number;
  /** The last step that is not known to last yet: when it was seen, by `performance.now()`. */
  #stepped: number | undefined;

  constructor(clock: RegistryClock) {
    this.#clock = clock;
    this.#seen = this.#difference();
    this.#shift = Math.abs(this.#seen) < DRIFT_MS ? 0 : this.#seen;
  }

  /** The system's clock minus the registry's, in ms. Steps count only if they last. */
  get shift(): number {
    return this.#shift;
  }

  /** The system's time, but for a step that may not last. */
  now(): number {
    return this.#clock.now() + this.#shift;
  }

  /** Whether no step was seen that may not last. */
  get settled(): boolean {
    return this.#stepped === undefined;
  }

  /** To be called every second. Returns true when `shift` has changed by a step. */
  look(): boolean {
    const difference = this.#difference();
    const step = difference - this.#seen;
    this.#seen = difference;
    // The server logs it.
    if (Math.abs(step) > STEP_MS) this.#stepped = performance.now();
    if (this.#stepped !== undefined && performance.now() - this.#stepped < LASTING_MS) return false;
    const stepped = this.#stepped !== undefined;
    this.#stepped = undefined;
    const moved = Math.abs(difference - this.#shift);
    if (moved > DRIFT_MS) this.#shift = difference;
    return stepped && moved > STEP_MS;
  }

  boot(): Boot {
    const time = new BigInt64Array(2);
    if (this.#id === "" || libc()?.clock_gettime(CLOCK_BOOTTIME, time) !== 0) return { id: "", at: 0 };
    return { id: this.#id, at: this.now() - Number(time[0]) * 1000 - Number(time[1]) / 1e6 };
  }

  #difference(): number {
    return Date.now() - this.#clock.now();
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
