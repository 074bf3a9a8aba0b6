import { typeName } from "./runtime/check.ts";
import type { DecodeOptions, XdrOptions } from "./runtime/entry.ts";
import { XdrError } from "./runtime/error.ts";
import type { XdrType } from "./type.ts";

const HEX = "0123456789abcdef";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Encodes a value as lower-case hex.
 *
 * @param type - the type of the value
 * @param value - the value to encode
 * @param options - the maximum nesting depth
 * @returns the digits
 * @throws {TypeError} if a part of `value` has the wrong type
 * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep
 * @example
 * ```ts
 * encodeHex(uint, 256); // => "00000100"
 * ```
 */
export function encodeHex<T>(type: XdrType<T>, value: T, options?: XdrOptions): string {
  return Array.from(type.encode(value, options), (byte) => (byte + 0x100).toString(16).slice(1)).join("");
}

/**
 * Decodes a value from hex.
 *
 * @param type - the type of the value
 * @param text - hex digits in either case. White space between them is ignored
 * @param options - as for {@link XdrType.decode}
 * @returns the value
 * @throws {@link XdrError} `bad-text` if `text` is not hex, else as {@link XdrType.decode}
 * @throws {TypeError} if `text` is not a string
 * @example
 * ```ts
 * decodeHex(uint, "0000 0100"); // => 256
 * ```
 */
export function decodeHex<T>(type: XdrType<T>, text: string, options?: DecodeOptions): T {
  return type.decode(bytesOf("hex", checked(text).toLowerCase(), HEX, 4), options);
}

/**
 * Encodes a value as base64 (RFC 4648 §4), with padding.
 *
 * @param type - the type of the value
 * @param value - the value to encode
 * @param options - the maximum nesting depth
 * @returns the digits
 * @throws {TypeError} if a part of `value` has the wrong type
 * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep
 * @example
 * ```ts
 * encodeBase64(uint, 256); // => "AAABAA=="
 * ```
 */
export function encodeBase64<T>(type: XdrType<T>, value: T, options?: XdrOptions): string {
  let binary = "";
  for (const byte of type.encode(value, options)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Decodes a value from base64 (RFC 4648 §4).
 *
 * @param type - the type of the value
 * @param text - base64, with or without padding. White space is ignored, as it is in PEM
 * @param options - as for {@link XdrType.decode}
 * @returns the value
 * @throws {@link XdrError} `bad-text` if `text` is not base64, else as {@link XdrType.decode}
 * @throws {TypeError} if `text` is not a string
 * @example
 * ```ts
 * decodeBase64(uint, "AAABAA=="); // => 256
 * ```
 */
export function decodeBase64<T>(type: XdrType<T>, text: string, options?: DecodeOptions): T {
  return type.decode(bytesOf("base64", checked(text).replace(/(?:=\s*){1,2}$/, ""), BASE64, 6), options);
}

function checked(text: string): string {
  if (typeof text !== "string") throw new TypeError(`text: expected a string, got ${typeName(text)}`);
  return text;
}

/**
 * Decodes digits of some bits each.
 *
 * @throws {XdrError} with the index of a wrong character as its offset
 */
function bytesOf(name: string, text: string, alphabet: string, bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * bits) / 8));
  let length = 0;
  let left = 0;
  let word = 0;
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    const digit = alphabet.indexOf(character);
    if (digit < 0) {
      if (/\s/.test(character)) continue;
      throw new XdrError("bad-text", i, `not a digit of ${name}: ${JSON.stringify(character)}`);
    }
    word = ((word << bits) | digit) & 0xffff;
    left += bits;
    if (left < 8) continue;
    left -= 8;
    bytes[length] = word >> left;
    length += 1;
  }
  // The bits that are left only fill up the last digit: they must be zeros, and fewer than a digit has.
  if (left >= bits || (word & ((1 << left) - 1)) !== 0) {
    throw new XdrError("bad-text", text.length, `the ${name} ends in the middle of a byte`);
  }
  return bytes.subarray(0, length);
}
