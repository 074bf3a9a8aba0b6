/**
 * What the TypeScript twin of the packet engine works on: views of the one memory, and the few words that the wasm
 * engine keeps in its globals. Nothing here outlives a call of `process` but the memory and `holder`.
 */
export class EngineState {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;

  /** lock.ts: the lane that signs locks, and one; and where that lane lies. */
  holder = 1;
  lane = 0;
  /** hash.ts: the two words of the last hash, as signed integers. */
  tag = 0;
  spread = 0;
  /** limiter.ts: the source of the packet in hand. */
  family = 0;
  hostSet = 0;
  hostTag = 0;
  networkSet = 0;
  networkTag = 0;
  /** engine.ts: the counters of the lane in hand. */
  counters = 0;

  constructor(buffer: ArrayBufferLike) {
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}
