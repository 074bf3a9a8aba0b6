// Encoding is done by hand because TextEncoder replaces a lone surrogate instead of reporting it, tells the length
// only after the fact, and in browsers refuses to write into shared memory.

let decoder: TextDecoder | undefined;

/** The length of `text` in bytes of UTF-8, or -1 where a lone surrogate has none. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    i += 1;
    // A pair is two units and four bytes: the two already added are all that is missing.
    if (unit > 0xdbff || (text.charCodeAt(i) & 0xfc00) !== 0xdc00) return -1;
  }
  return length;
}

/** Writes `text`, which must have a {@link utf8Length}, from `at` on. The caller has seen to it that it fits. */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i += 1) {
    const point = text.codePointAt(i)!;
    if (point < 0x80) {
      bytes[at++] = point;
      continue;
    }
    if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x1_0000) {
        bytes[at++] = 0xe0 | (point >> 12);
      } else {
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
        i += 1;
      }
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (point & 0x3f);
  }
}

/** The text of `bytes`, or `undefined` where they are not UTF-8. A byte order mark is kept: it is part of the value. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  // Browsers refuse to decode from shared memory; slice() copies into memory that is not.
  const shared = typeof SharedArrayBuffer !== "undefined" && bytes.buffer instanceof SharedArrayBuffer;
  try {
    return decoder.decode(shared ? bytes.slice() : bytes);
  } catch {
    return undefined;
  }
}
