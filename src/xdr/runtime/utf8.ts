let decoder: TextDecoder | undefined;

/**
 * In bytes. For a short text, a new view costs as much as decoding it does. So short texts are copied to a scratch
 * array, for which there is one cached view per length.
 */
const SHORT_TEXT = 64;
const TEXT = new Uint8Array(SHORT_TEXT);
const TEXT_VIEWS: Uint8Array[] = [];

/** A view of the `length` bytes from `at`, which the next call may overwrite. */
function temporaryView(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (length > SHORT_TEXT) return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
  for (let i = 0; i < length; i += 1) TEXT[i] = bytes[at + i] as number;
  TEXT_VIEWS[length] ??= TEXT.subarray(0, length);
  return TEXT_VIEWS[length];
}

/** The text of the `length` bytes from `at`, or `undefined` if they are not UTF-8. Keeps a byte order mark. */
export function decodeUtf8(bytes: Uint8Array, at: number, length: number): string | undefined {
  return readUtf8(temporaryView(bytes, at, length));
}

function readUtf8(bytes: Uint8Array): string | undefined {
  decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    // Browsers refuse to decode shared memory, so decode a copy of it.
    return bytes.buffer instanceof ArrayBuffer ? undefined : readUtf8(new Uint8Array(bytes));
  }
}

// Encoding is done by hand because TextEncoder replaces a lone surrogate instead of reporting it, does not give the
// length in advance, and in browsers refuses to write into shared memory.

/** The length of `text` in bytes of UTF-8, or -1 if it has a lone surrogate, which UTF-8 cannot encode. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    i += 1;
    // A surrogate pair is 2 code units and 4 bytes: `length` counts both units and the 2 bytes added above.
    if (unit > 0xdbff || (text.charCodeAt(i) & 0xfc00) !== 0xdc00) return -1;
  }
  return length;
}

/** Writes `text`, whose {@link utf8Length} is `length`, from `at` on. The caller must have checked that it fits. */
export function encodeUtf8(text: string, length: number, bytes: Uint8Array, at: number): void {
  if (length === text.length) {
    for (let i = 0; i < length; i += 1) bytes[at + i] = text.charCodeAt(i);
    return;
  }
  let to = at;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    // How many bytes follow the first byte, which starts with one more 1 bit than that.
    const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3;
    bytes[to] = (more && 0xff80 >> more) | (point >> (6 * more));
    to += 1;
    for (let i = more - 1; i >= 0; i -= 1) {
      bytes[to] = 0x80 | ((point >> (6 * i)) & 0x3f);
      to += 1;
    }
  }
}
