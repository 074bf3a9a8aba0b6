/** Device IDs of Syncthing: the SHA-256 of a device's certificate, and its texts. */
import { builtin } from "../client/builtin.ts";
import { describeValue } from "../xdr/describe-value.ts";

/** Loaded on use: every command imports this file, and few read certificates. */
const crypto = () => builtin<typeof import("node:crypto")>("node:crypto");

/** Bytes of a device ID. */
export const DEVICE_ID_BYTES = 32;

/** The alphabet of base32 (RFC 4648 §6). */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Letters of 32 bytes in base32, without check characters. */
const PLAIN_LENGTH = 52;
/** A check character follows each group of so many letters. */
const GROUP = 13;
/** Letters with the four check characters. */
const CHECKED_LENGTH = 56;
/** A dash follows each part of so many letters. */
const PART = 7;

/** The value of each ASCII character in a device ID: of a letter as base32, of a digit that is taken for a letter as that letter. */
const VALUES = new Uint8Array(128);
const INVALID = 255;
/** Dashes and spaces do not count. */
const SKIPPED = 254;
VALUES.fill(INVALID);
for (const [value, letter] of [...LETTERS].entries()) {
  for (const character of [letter, letter.toLowerCase()]) VALUES[character.charCodeAt(0)] = value;
}
for (const [digit, letter] of ["0O", "1I", "8B"]) VALUES[digit!.charCodeAt(0)] = LETTERS.indexOf(letter!);
for (const separator of "- ") VALUES[separator.charCodeAt(0)] = SKIPPED;

/**
 * The device ID of a certificate.
 *
 * @param certificate - in DER
 * @returns 32 bytes
 */
export function deviceIdOf(certificate: Uint8Array): Uint8Array {
  return new Uint8Array(crypto().createHash("sha256").update(certificate).digest());
}

/**
 * The device ID of a certificate.
 *
 * @param certificate - in PEM; of several certificates the first counts
 * @returns 32 bytes
 * @throws {RangeError} if it is not a certificate
 * @example
 * ```ts
 * deviceIdOfPem("-----BEGIN PRIVATE KEY-----"); // throws RangeError
 * ```
 */
export function deviceIdOfPem(certificate: string): Uint8Array {
  const { X509Certificate } = crypto();
  let der: Uint8Array;
  try {
    der = new X509Certificate(certificate).raw;
  } catch {
    throw new RangeError("it is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----");
  }
  return deviceIdOf(der);
}

/**
 * Writes a device ID as Syncthing shows it: with check characters and dashes.
 *
 * @param id - 32 bytes
 * @returns 63 characters
 * @throws {RangeError} if `id` does not have 32 bytes
 * @example
 * ```ts
 * formatDeviceId(new Uint8Array(32)); // => "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA"
 * ```
 */
export function formatDeviceId(id: Uint8Array): string {
  const plain = deviceNodeId(id);
  let checked = "";
  for (let at = 0; at < PLAIN_LENGTH; at += GROUP) {
    const group = plain.slice(at, at + GROUP);
    const values = Array.from(group, (letter) => LETTERS.indexOf(letter));
    checked += group + LETTERS[checkOf(values, 0)];
  }
  return checked.replace(new RegExp(`.{${PART}}(?=.)`, "g"), "$&-");
}

/**
 * The NodeID that the same device has in the original protocol, from Syncthing 0.4.0 on: the hash in base32, without check
 * characters.
 *
 * @param id - 32 bytes
 * @returns 52 letters and digits
 * @throws {RangeError} if `id` does not have 32 bytes
 */
export function deviceNodeId(id: Uint8Array): string {
  if (!(id instanceof Uint8Array) || id.length !== DEVICE_ID_BYTES) {
    throw new RangeError(`a device ID must have ${DEVICE_ID_BYTES} bytes`);
  }
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of id) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += LETTERS[(value >>> (bits - 5)) & 31]!;
  }
  return text + LETTERS[(value << (5 - bits)) & 31]!;
}

/**
 * The NodeID for a text that may be a device ID. 56 characters with four right check characters are hardly anything else.
 *
 * @returns as {@link deviceNodeId}; undefined if it is no device ID with check characters
 */
export function nodeIdOfDeviceId(text: string): string | undefined {
  // The length, so that no error is made for most texts. A NodeID itself has no check characters.
  if (text.replace(/[- ]/g, "").length !== CHECKED_LENGTH) return undefined;
  try {
    return deviceNodeId(parseDeviceId(text));
  } catch {
    return undefined;
  }
}

/**
 * Reads a device ID as people write it: dashes and spaces do not count, nor does case, and 0, 1 and 8 are read as O, I and
 * B. It may lack the four check characters.
 *
 * @param text - 56 or 52 letters and digits
 * @returns 32 bytes
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is not a device ID; the message says which character is wrong
 * @example
 * ```ts
 * parseDeviceId("aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa").length; // => 32
 * parseDeviceId("AAAAAAA-AAAAAAA"); // throws RangeError
 * ```
 */
export function parseDeviceId(text: string): Uint8Array {
  if (typeof text !== "string") throw new TypeError(`a device ID must be a string, not ${describeValue(text)}`);
  const id = tryParseDeviceId(text);
  if (id === undefined) throw new RangeError(deviceIdProblem(text));
  return id;
}

/** The values of the letters of the ID that is being read: there is no object per ID but the result. */
const values = new Uint8Array(CHECKED_LENGTH);

/** The same as {@link parseDeviceId}, for texts of which many may be wrong. @returns 32 bytes, or undefined if it is no device ID */
export function tryParseDeviceId(text: string): Uint8Array | undefined {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const value = letterValue(text.charCodeAt(at));
    if (value === SKIPPED) continue;
    if (value === INVALID || count === CHECKED_LENGTH) return undefined;
    values[count++] = value;
  }
  if (count === PLAIN_LENGTH) return decode();
  if (count !== CHECKED_LENGTH || wrongGroup(values) !== -1) return undefined;
  for (let group = 1; group < CHECKED_LENGTH / (GROUP + 1); group++) {
    const start = group * (GROUP + 1);
    values.copyWithin(group * GROUP, start, start + GROUP);
  }
  return decode();
}

function letterValue(code: number): number {
  return code < VALUES.length ? VALUES[code]! : INVALID;
}

/** Base32 of the first 52 of `values`. */
function decode(): Uint8Array | undefined {
  const id = new Uint8Array(DEVICE_ID_BYTES);
  let [at, bits, value] = [0, 0, 0];
  for (let letter = 0; letter < PLAIN_LENGTH; letter++) {
    value = ((value << 5) | values[letter]!) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    id[at++] = value >>> bits;
  }
  return (value & ((1 << bits) - 1)) === 0 ? id : undefined;
}

/** Why a text is no device ID. */
function deviceIdProblem(text: string): string {
  const letters: number[] = [];
  /** Where each letter stands in `text`, from 1 on. */
  const places: number[] = [];
  for (const [place, character] of [...text].entries()) {
    const value = letterValue(character.codePointAt(0)!);
    if (value === SKIPPED) continue;
    if (value === INVALID) {
      return `character ${place + 1} of a device ID must be A to Z or 2 to 7, not ${JSON.stringify(character)}`;
    }
    letters.push(value);
    places.push(place + 1);
  }
  const hasChecks = letters.length === CHECKED_LENGTH;
  if (!hasChecks && letters.length !== PLAIN_LENGTH) {
    return `a device ID has ${CHECKED_LENGTH} letters and digits, or ${PLAIN_LENGTH} without check characters, not ${letters.length}`;
  }
  const wrong = hasChecks ? wrongGroup(letters) : -1;
  if (wrong !== -1) {
    const [from, to] = [places[wrong], places[wrong + GROUP]];
    const [right, given] = [LETTERS[checkOf(letters, wrong)], LETTERS[letters[wrong + GROUP]!]];
    return `one of the characters ${from} to ${to} of the device ID is wrong: the last of them, a check character, would be ${right}, not ${given}`;
  }
  const last = hasChecks ? CHECKED_LENGTH - 2 : PLAIN_LENGTH - 1;
  return `character ${places[last]} of the device ID is wrong: no hash ends with ${LETTERS[letters[last]!]}`;
}

/** Where the first group begins that has a wrong check character; -1 if there is none. */
function wrongGroup(letters: ArrayLike<number>): number {
  for (let at = 0; at < CHECKED_LENGTH; at += GROUP + 1) {
    if (letters[at + GROUP] !== checkOf(letters, at)) return at;
  }
  return -1;
}

/** The check character of the group that begins at `from`: Luhn's algorithm modulo 32, as Syncthing computes it, weights 1 and 2 in turn. */
function checkOf(letters: ArrayLike<number>, from: number): number {
  let sum = 0;
  for (let at = 0; at < GROUP; at++) {
    const product = letters[from + at]! * (1 + (at & 1));
    sum += (product >> 5) + (product & 31);
  }
  return (32 - (sum & 31)) & 31;
}
