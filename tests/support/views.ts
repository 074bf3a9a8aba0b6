/** What tests of functions on bytes and text share. */

/** Views that are no plain Uint8Array of their own buffer. */
export const VIEWS: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ["a Uint8Array", (bytes) => bytes],
  ["a Buffer", (bytes) => Buffer.from(bytes)],
  ["the middle of a buffer", (bytes) => amid(bytes, new ArrayBuffer(bytes.length + 8))],
  ["the middle of a SharedArrayBuffer", (bytes) => amid(bytes, new SharedArrayBuffer(bytes.length + 8))],
  ["a Buffer of a SharedArrayBuffer", (bytes) => Buffer.from(new SharedArrayBuffer(bytes.length)).fill(bytes)],
];

function amid(bytes: Uint8Array, buffer: ArrayBufferLike): Uint8Array {
  const view = new Uint8Array(buffer, 3, bytes.length);
  view.set(bytes);
  return view;
}

/** What a call throws. @throws {Error} if it throws nothing */
export function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it threw nothing");
}
