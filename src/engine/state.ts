/**
 * State of the TypeScript twin: views of the shared memory, and the variables that the wasm engine keeps in globals.
 * Between two calls of `process` only the memory, `holder` and `lane` matter.
 */
export class EngineState {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;

  /** lock.ts: value that this engine writes into locks (its lane plus 1), and the address of that lane. */
  holder = 1;
  lane = 0;
  /** hash.ts: the two words of the last hash, as signed integers. */
  tag = 0;
  spread = 0;
  /** limiter.ts: the current source. */
  family = 0;
  hostSet = 0;
  hostTag = 0;
  networkSet = 0;
  networkTag = 0;
  /** limiter.ts: after a packet that may not pass, the number of the limit that it exceeded. */
  exceeded = 0;
  /** engine.ts: address of the counters of the lane that is being processed. */
  counters = 0;

  constructor(buffer: ArrayBufferLike) {
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}
