/** The device that a look-up asks for. This runs for every look-up, so it makes no object but the ID, and throws nothing. */
import { DEVICE_ID_BYTES } from "../device-id.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const INVALID = 255;
const SKIPPED = 254;
/** The value of each character of a device ID, by its code. As {@link parseDeviceId} reads them: it is the reference for all of this. */
const VALUES = new Uint8Array(128).fill(INVALID);
for (const [value, letter] of [...LETTERS].entries()) {
  VALUES[letter.charCodeAt(0)] = value;
  VALUES[letter.toLowerCase().charCodeAt(0)] = value;
}
for (const [digit, letter] of ["0O", "1I", "8B"]) VALUES[digit!.charCodeAt(0)] = LETTERS.indexOf(letter!);
for (const separator of "- ") VALUES[separator.charCodeAt(0)] = SKIPPED;

const PLAIN_LENGTH = 52;
const CHECKED_LENGTH = 56;
const GROUP = 13;
/** The longest text that is looked at: letters, dashes, and room for spaces. */
const MAX_TEXT = 256;
const letters = new Uint8Array(CHECKED_LENGTH);

/**
 * The device that a request asks for, by its parameter `device`.
 *
 * @param target - path and query of the request, such as `/v2/?device=…`
 * @returns 32 bytes; undefined if there is no such parameter, or it is empty; "invalid" if it is not a device ID
 */
export function askedDevice(target: string): Uint8Array | "invalid" | undefined {
  const query = target.indexOf("?");
  if (query < 0) return undefined;
  const plain = "device=";
  if (target.startsWith(plain, query + 1)) {
    // As Syncthing writes it: nothing to decode.
    const id = deviceId(target, query + 1 + plain.length);
    if (id !== undefined) return id;
  }
  const text = new URLSearchParams(target.slice(query + 1)).get("device");
  if (text === null || text === "") return undefined;
  return deviceId(text, 0) ?? "invalid";
}

/** Reads a device ID. @param from - where it begins in `text`. @returns 32 bytes, or undefined if it is not one */
function deviceId(text: string, from: number): Uint8Array | undefined {
  if (text.length - from > MAX_TEXT) return undefined;
  let count = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const value = code < 128 ? VALUES[code]! : INVALID;
    if (value === SKIPPED) continue;
    if (value === INVALID || count === CHECKED_LENGTH) return undefined;
    letters[count++] = value;
  }
  if (count === CHECKED_LENGTH ? !removeChecks() : count !== PLAIN_LENGTH) return undefined;
  return decode();
}

/** Checks the check characters in `letters` and moves the others together. */
function removeChecks(): boolean {
  for (let group = 0; group < CHECKED_LENGTH / (GROUP + 1); group++) {
    const start = group * (GROUP + 1);
    let sum = 0;
    for (let at = 0; at < GROUP; at++) {
      const product = letters[start + at]! * (1 + (at & 1));
      sum += (product >> 5) + (product & 31);
    }
    if (((32 - (sum & 31)) & 31) !== letters[start + GROUP]) return false;
    letters.copyWithin(group * GROUP, start, start + GROUP);
  }
  return true;
}

/** Base32 of the first 52 of `letters`. */
function decode(): Uint8Array | undefined {
  const id = new Uint8Array(DEVICE_ID_BYTES);
  let [at, bits, value] = [0, 0, 0];
  for (let letter = 0; letter < PLAIN_LENGTH; letter++) {
    value = ((value << 5) | letters[letter]!) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    id[at++] = value >>> bits;
  }
  return (value & ((1 << bits) - 1)) === 0 ? id : undefined;
}
