/**
 * A clock that a test sets, and the verdicts of all datagrams so far: with both, a run can be repeated exactly, and be compared with
 * another one. A view of memory that the worker shares.
 */
export class Recording {
  readonly buffer: SharedArrayBuffer;
  readonly #count: Int32Array;
  readonly #now: Float64Array;
  readonly #verdicts: Uint8Array;

  /** @param datagrams - the most that are recorded, or a buffer of another recording */
  constructor(datagrams: number | SharedArrayBuffer) {
    this.buffer = typeof datagrams === "number" ? new SharedArrayBuffer(16 + datagrams) : datagrams;
    this.#count = new Int32Array(this.buffer, 0, 1);
    this.#now = new Float64Array(this.buffer, 8, 1);
    this.#verdicts = new Uint8Array(this.buffer, 16);
  }

  get now(): number {
    return this.#now[0]!;
  }

  set now(ms: number) {
    this.#now[0] = ms;
  }

  /** Number of datagrams. */
  get count(): number {
    return Atomics.load(this.#count, 0);
  }

  get verdicts(): Uint8Array {
    return this.#verdicts.subarray(0, this.count);
  }

  /** Adds a batch. */
  add(count: number, verdict: (slot: number) => number): void {
    const from = this.count;
    for (let slot = 0; slot < count; slot++) this.#verdicts[from + slot] = verdict(slot);
    Atomics.add(this.#count, 0, count);
    Atomics.notify(this.#count, 0);
  }

  /** Blocks the thread until there are `count` datagrams. @returns whether they came within `timeout` ms */
  wait(count: number, timeout: number): boolean {
    const end = performance.now() + timeout;
    for (let now = this.count; now < count; now = this.count) {
      const left = end - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.#count, 0, now, left);
    }
    return true;
  }
}
