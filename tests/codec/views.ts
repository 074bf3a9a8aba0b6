/** Views of all kinds, for tests of functions that take bytes. */

/** Ways to pass bytes: as a plain Uint8Array, a subclass, or a view of another buffer. */
export const VIEWS: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ["a Uint8Array", (bytes) => bytes],
  ["a Buffer", (bytes) => Buffer.from(bytes)],
  ["a view of the middle of a buffer", (bytes) => surrounded(bytes, new ArrayBuffer(bytes.length + 8))],
  [
    "a view of the middle of a SharedArrayBuffer",
    (bytes) => surrounded(bytes, new SharedArrayBuffer(bytes.length + 8)),
  ],
  ["a Buffer of a SharedArrayBuffer", (bytes) => Buffer.from(new SharedArrayBuffer(bytes.length)).fill(bytes)],
  ["a subclass whose slice returns a Uint16Array", (bytes) => new Words(bytes)],
  [
    "a view of a resizable buffer",
    (bytes) => surrounded(bytes, new ArrayBuffer(bytes.length + 8, { maxByteLength: 4096 })),
  ],
];

/** `slice` and `subarray` of it return a Uint16Array. */
class Words extends Uint8Array {
  static get [Symbol.species]() {
    return Uint16Array;
  }
}

/** Ways to make a view of `bytes` whose buffer is then detached or too short. The length of such a view is 0. */
export const DETACHED: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ["whose buffer was transferred", (bytes) => transferred(new Uint8Array(bytes))],
  ["that is a Buffer whose buffer was transferred", (bytes) => transferred(Buffer.from(new Uint8Array(bytes).buffer))],
  ["of an empty buffer that was transferred", () => transferred(new Uint8Array(0))],
  ["of a memory that has grown", (bytes) => grown(bytes)],
  ["whose buffer has become too short", (bytes) => shrunk(bytes, bytes.length)],
  ["to the end of a buffer that now ends before it", (bytes) => shrunk(bytes)],
];

function transferred(view: Uint8Array): Uint8Array {
  structuredClone(null, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

function grown(bytes: Uint8Array): Uint8Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new Uint8Array(memory.buffer, 0, bytes.length);
  view.set(bytes);
  memory.grow(1);
  return view;
}

function shrunk(bytes: Uint8Array, length?: number): Uint8Array {
  const buffer = new ArrayBuffer(bytes.length + 8, { maxByteLength: bytes.length + 8 });
  const view = new Uint8Array(buffer, 8, length);
  view.set(bytes);
  buffer.resize(7);
  return view;
}

function surrounded(bytes: Uint8Array, buffer: ArrayBufferLike): Uint8Array {
  const view = new Uint8Array(buffer, 3, bytes.length);
  view.set(bytes);
  return view;
}

/** Returns the error that a call throws. @throws {Error} if it throws none */
export function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it threw nothing");
}
